"""The checks of a server: each module has probes that report what they find to a ``Context``."""
