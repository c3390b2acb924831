"""The Members page: how each member is doing, and trying, adding and disabling one."""
