"""The process that runs a model's code: takes away its own powers, then runs it. A program, standard
library only.

Invariant: nothing of the model runs before the limits and the filter are in force, and neither can be
lifted. Non-goal: anything but x86-64 Linux; the numbers below are its system calls.
"""

from __future__ import annotations

import ctypes
import errno
import resource
import struct
import sys
import traceback

CPU_SECONDS = 5
MEMORY_BYTES = 1 << 30
OUTPUT_BYTES = 1 << 20
OPEN_FILES = 32

_ARCHITECTURE = 0xC000003E  # AUDIT_ARCH_X86_64
_X32_BIT = 0x40000000
_CLONE_THREAD = 0x00010000
_WRITES = 0o1 | 0o2 | 0o100 | 0o1000 | 0o2000 | 0o20000000
"""O_WRONLY, O_RDWR, O_CREAT, O_TRUNC, O_APPEND and O_TMPFILE's own bit."""

NETWORK = (41, 42, 43, 44, 46, 49, 50, 53, 288, 307)  # socket ... listen, socketpair, accept4, sendmmsg
PROCESSES = (57, 58, 59, 62, 101, 129, 200, 234, 297, 310, 311, 322, 424, 434, 438)
"""fork, vfork, execve, kill, ptrace, rt_sigqueueinfo, tkill, tgkill, rt_tgsigqueueinfo,
process_vm_readv and _writev, execveat, pidfd_send_signal, pidfd_open, pidfd_getfd."""
FILES = (
    76, 82, 83, 84, 85, 86, 87, 88, 90, 91, 92, 93, 94, 132, 133, 188, 189, 190, 197, 198, 199, 235,
    258, 259, 260, 261, 263, 264, 265, 266, 268, 280, 316, 452,
)  # fmt: skip
"""truncate, rename, mkdir, rmdir, creat, link, unlink, symlink, chmod, fchmod, the chowns, utime, mknod,
the setxattrs and removexattrs, utimes, and the same relative to a folder."""
SYSTEM = (103, 141, 142, 144, 155, 159, 160, 161, 164, 165, 166, 167, 168, 169, 170, 171, 172, 173, 175, 176,
    203, 227, 246, 272, 298, 305, 308, 313, 314, 321, 323, 428, 429, 430,
    431, 432, 442)  # fmt: skip
"""syslog, priorities, pivot_root, clocks, setrlimit, chroot, mounts, swaps, reboot, host names, ports,
kernel modules, affinities, kexec, unshare, perf events, setns, bpf, userfaultfd, newer ways to mount."""
ABSENT = (425, 426, 427, 435, 437)
"""io_uring, clone3 and openat2: what they do cannot be seen from here, and callers know the old ways."""


def main() -> None:
    """Read what to run from standard input, give up all powers, run it, and say the word."""
    word, code, tests = sys.stdin.buffer.read().decode().split("\0")
    # Before the filter, because tracebacks import what they need when they are first written.
    traceback.format_exception_only(ValueError("warm"))
    limit()
    forbid()
    names: dict[str, object] = {"__name__": "__main__"}
    exec(compile(code, "<answer>", "exec"), names)
    exec(compile(tests, "<tests>", "exec"), names)
    sys.stdout.write(f"\n{word}\n")
    sys.stdout.flush()


def limit() -> None:
    """Bound time, memory, output and open files; no dump of memory when it breaks."""
    for kind, value in (
        (resource.RLIMIT_CPU, CPU_SECONDS),
        (resource.RLIMIT_AS, MEMORY_BYTES),
        (resource.RLIMIT_FSIZE, OUTPUT_BYTES),
        (resource.RLIMIT_NOFILE, OPEN_FILES),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(kind, (value, value))


def forbid() -> None:
    """Have the kernel refuse every system call that reaches beyond this process, for good.

    Raises:
        OSError: If the kernel does not take the filter; then nothing has been run.
    """
    program = b"".join(struct.pack("HBBI", *step) for step in _filter())
    buffer = ctypes.create_string_buffer(program, len(program))

    class Program(ctypes.Structure):
        _fields_ = (("length", ctypes.c_ushort), ("steps", ctypes.c_void_p))

    described = Program(len(program) // 8, ctypes.addressof(buffer))
    libc = ctypes.CDLL(None, use_errno=True)
    no_new_privileges, set_seccomp, mode_filter = 38, 22, 2
    if libc.prctl(no_new_privileges, 1, 0, 0, 0) or libc.prctl(
        set_seccomp, mode_filter, ctypes.byref(described), 0, 0
    ):
        raise OSError(ctypes.get_errno(), "the kernel takes no seccomp filter")


def _filter() -> list[tuple[int, int, int, int]]:
    """Steps of a classic BPF program: code, steps to jump if true, if false, and a constant."""
    load, equal, any_bit, above, give = 0x20, 0x15, 0x45, 0x35, 0x06
    allow, kill, refuse = 0x7FFF0000, 0x80000000, 0x00050000
    number, architecture = 0, 4
    steps = [
        (load, 0, 0, architecture),
        (equal, 1, 0, _ARCHITECTURE),
        (give, 0, 0, kill),
        (load, 0, 0, number),
        (above, 0, 1, _X32_BIT),
        (give, 0, 0, kill),
    ]
    for call in (*NETWORK, *PROCESSES, *FILES, *SYSTEM):
        steps += [(equal, 0, 1, call), (give, 0, 0, refuse | errno.EPERM)]
    for call in ABSENT:
        steps += [(equal, 0, 1, call), (give, 0, 0, refuse | errno.ENOSYS)]
    # Files may be opened to read (open: second argument, openat: third), threads may be started, and
    # limits may be asked for but not set.
    for call, place, bits, is_forbidden_with in (
        (2, 1, _WRITES, True),
        (257, 2, _WRITES, True),
        (56, 0, _CLONE_THREAD, False),
        (302, 2, 0xFFFFFFFF, True),
    ):
        steps += [
            (equal, 0, 4, call),
            (load, 0, 0, 16 + 8 * place),
            (any_bit, *((0, 1) if is_forbidden_with else (1, 0)), bits),
            (give, 0, 0, refuse | errno.EPERM),
            (give, 0, 0, allow),
        ]
    return [*steps, (give, 0, 0, allow)]


if __name__ == "__main__":
    main()
