"""What can go wrong at a hypervisor, as types. Each message is one line that names the thing and the remedy."""


class HypervisorError(Exception):
    """Base of all."""


class BadSetting(HypervisorError, ValueError):
    """A value that the user gave cannot be used: his to mend."""


class UnsupportedScheme(BadSetting):
    """The URI names a driver or a transport that libvirt does not have."""


class HypervisorUnavailable(HypervisorError):
    """libvirt cannot be reached, or the connection to it is lost: connect again later."""


class IdentityUnknown(HypervisorError):
    """The hypervisor does not say which host it is, so nothing can be written about it."""


class InventoryUnreadable(HypervisorError):
    """What every report must contain could not be read, and never was."""


class CallFailed(HypervisorError):
    """One call failed on a connection that lives: it costs only its own part of the report."""


class CallUnsupported(CallFailed):
    """The driver does not implement the call."""


class DaemonAbsent(CallFailed):
    """Of modular daemons the one that would answer is not there: it has no socket."""


class GuestGone(CallFailed):
    """The guest is not there any more."""


class PoolGone(CallFailed):
    """The storage pool is not there any more."""


class DeviceGone(CallFailed):
    """The node device is not there any more."""
