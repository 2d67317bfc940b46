"""Kernel settings that `make` copies into the environment's etc/ipython.

Native libraries write log lines straight to the process's standard error. The kernel
must not take them for output of a cell: they differ from machine to machine.
"""

# ruff: noqa: F821
c.IPKernelApp.log_level = 40  # errors only: no notice about the transport
c.IPKernelApp.capture_fd_output = False
