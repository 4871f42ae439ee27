"""The configuration file of a private Ceph."""

CEPH_CONF = """\
[global]
fsid = {fsid}
mon host = [v2:127.0.0.1:{v2_port}/0,v1:127.0.0.1:{v1_port}/0]
public addr = 127.0.0.1
cluster addr = 127.0.0.1
ms bind ipv4 = true
ms bind ipv6 = false
auth cluster required = none
auth service required = none
auth client required = none
run dir = {directory}/run
admin socket =
log file = {directory}/log/$name.log
mon cluster log file = {directory}/log/cluster.log
osd pool default size = 1
osd pool default min size = 1
osd pool default pg autoscale mode = off
osd crush chooseleaf type = 0
mon allow pool size one = true
mon allow pool delete = true
# A machine whose disk is nearly full runs tests all the same.
mon data avail crit = 0
mon data avail warn = 0
# Nobody else writes at the same time whose changes could be gathered.
paxos propose interval = 0.05
paxos min wait = 0.01

[mon]
mon data = {directory}/mon

[osd]
osd data = {directory}/osd
osd objectstore = memstore
memstore device bytes = {size}

[mgr]
mgr data = {directory}/mgr
mgr tick period = 1
mgr stats period = 1
"""
