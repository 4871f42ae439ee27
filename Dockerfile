# Two images: --target agent, --target controller. `make image` builds both, with docker, podman or buildah.
#
# Nothing here says where things are fetched from: BASE brings Debian's package sources, pip is told by the build
# argument PIP_INDEX_URL or by the builder's own mounts. BASE is Debian 12 or newer, or made from it.
ARG BASE=debian:12-slim

FROM ${BASE} AS builder
RUN apt-get update \
    && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends \
        gcc libc6-dev libvirt-dev pkg-config python3-dev python3-venv \
    && python3 -m venv /tools && python3 -m venv --without-pip /opt/hypertally
WORKDIR /src
COPY requirements/ requirements/
ARG PIP_INDEX_URL
# Pinned, too: without isolation pip builds with these tools, and fetches none of its own.
RUN /tools/bin/pip install --no-cache-dir --require-hashes -r requirements/build.txt -r requirements/sbom.txt

# Same base, same Debian: the interpreter and the libvirt that the wheels were built for.
FROM ${BASE} AS agent-system
# More, such as lvm2 or ceph-common: what --images-type=lvm and --images-type=rbd ask with.
ARG AGENT_PACKAGES
RUN apt-get update \
    && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends python3 libvirt0 ${AGENT_PACKAGES} \
    && apt-get clean && rm -rf /var/lib/apt/lists/* /var/cache/apt/*.bin /var/cache/debconf/*-old /var/log/*.log /var/log/apt

FROM builder AS build-agent
RUN /tools/bin/pip wheel --no-cache-dir --require-hashes --no-deps --no-build-isolation -w /wheels \
        -r requirements/agent.txt
COPY pyproject.toml README.md LICENSE ./
COPY hack/image/ hack/image/
COPY operator/ operator/
# What the image has of Debian, for its bill of materials.
COPY --from=agent-system /var/lib/dpkg/status /agent-system/status
RUN /tools/bin/pip wheel --no-deps --no-build-isolation -w /wheels . \
    && /tools/bin/pip --python /opt/hypertally/bin/python install --no-index --no-deps /wheels/*.whl \
    && dpkg-query --admindir=/agent-system --show --showformat='${Package} ${Version} ${Architecture}\n' >/agent-system/packages \
    && PYTHONPATH=hack /tools/bin/python -m image.sbom agent /opt/hypertally/share/sbom.cdx.json </agent-system/packages

FROM agent-system AS agent
COPY --from=build-agent /opt/hypertally /opt/hypertally
ARG VERSION=0.0.0
ARG REVISION=unknown
ARG CREATED
LABEL org.opencontainers.image.title="hypertally-agent" \
      org.opencontainers.image.description="Reports libvirt hosts as ComputeNodes" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.created="${CREATED}"
ENV PATH=/opt/hypertally/bin:/usr/sbin:/usr/bin:/sbin:/bin PYTHONSAFEPATH=1 PYTHONUNBUFFERED=1
# nobody, not a number of our own: libvirtd turns away a user that its own machine does not know.
USER 65534:65534
ENTRYPOINT ["/opt/hypertally/bin/hypertally-agent"]

FROM ${BASE} AS controller-system
RUN apt-get update \
    && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends python3 \
    && apt-get clean && rm -rf /var/lib/apt/lists/* /var/cache/apt/*.bin /var/cache/debconf/*-old /var/log/*.log /var/log/apt

FROM builder AS build-controller
RUN /tools/bin/pip wheel --no-cache-dir --require-hashes --no-deps --no-build-isolation -w /wheels \
        -r requirements/controller.txt
COPY pyproject.toml README.md LICENSE ./
COPY hack/image/ hack/image/
COPY operator/ operator/
# What the image has of Debian, for its bill of materials.
COPY --from=controller-system /var/lib/dpkg/status /controller-system/status
RUN /tools/bin/pip wheel --no-deps --no-build-isolation -w /wheels . \
    && /tools/bin/pip --python /opt/hypertally/bin/python install --no-index --no-deps /wheels/*.whl \
    && dpkg-query --admindir=/controller-system --show --showformat='${Package} ${Version} ${Architecture}\n' >/controller-system/packages \
    && PYTHONPATH=hack /tools/bin/python -m image.sbom controller /opt/hypertally/share/sbom.cdx.json </controller-system/packages

FROM controller-system AS controller
COPY --from=build-controller /opt/hypertally /opt/hypertally
ARG VERSION=0.0.0
ARG REVISION=unknown
ARG CREATED
LABEL org.opencontainers.image.title="hypertally-controller" \
      org.opencontainers.image.description="Keeps the ledgers of all ComputeNodes" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.created="${CREATED}"
ENV PATH=/opt/hypertally/bin:/usr/sbin:/usr/bin:/sbin:/bin PYTHONSAFEPATH=1 PYTHONUNBUFFERED=1
USER 65532:65532
ENTRYPOINT ["/opt/hypertally/bin/hypertally-controller"]
