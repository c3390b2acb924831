"""The process that runs a model's code: takes away its own powers, then runs it. A program, standard
library only.

Invariant: nothing of the model runs before the limits and the filter are in force, and neither can be
lifted. Non-goal: anything but x86-64 Linux; the numbers below are its system calls.
"""

from __future__ import annotations

import ctypes
import errno
import os
import resource
import signal
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

MEMORY = (9, 10, 11, 12, 25, 27, 28)  # mmap, mprotect, munmap, brk, mremap, mincore, madvise
STREAMS = (
    0, 1, 3, 7, 8, 17, 19, 20, 22, 23, 32, 33, 74, 75, 77, 232, 233, 270, 271, 281, 291, 292, 293, 295, 436,
)  # fmt: skip
"""read, write, close, poll, lseek, pread64, readv, writev, pipe, select, dup, dup2, fsync, fdatasync,
ftruncate, epoll_wait, epoll_ctl, pselect6, ppoll, epoll_pwait, epoll_create1, dup3, pipe2, preadv,
close_range."""
FILES = (4, 5, 6, 21, 78, 79, 80, 81, 89, 217, 221, 262, 267, 269, 332)
"""stat, fstat, lstat, access, getdents, getcwd, chdir, fchdir, readlink, getdents64, fadvise64, newfstatat,
readlinkat, faccessat, statx."""
THREADS = (13, 14, 15, 24, 128, 131, 186, 202, 204, 218, 273, 274, 324, 334)
"""Its own signals' handlers and masks, sched_yield, rt_sigtimedwait, sigaltstack, gettid, futex,
sched_getaffinity, set_tid_address, robust lists, membarrier, rseq."""
TIME = (34, 35, 36, 37, 38, 96, 98, 100, 201, 228, 229, 230)
"""pause, nanosleep, its own timers, gettimeofday, getrusage, times, time, clock_gettime, clock_getres,
clock_nanosleep."""
SELF = (39, 60, 63, 97, 99, 102, 104, 107, 108, 110, 231, 318)
"""getpid, exit, uname, getrlimit, sysinfo, who it is, getppid, exit_group, getrandom."""
ABSENT = (435, 437, 439)
"""clone3, openat2 and faccessat2: their arguments cannot be seen from here, and callers know the old ways."""
DESCRIPTOR_COMMANDS = (0, 1, 2, 3, 4, 1030)
"""Of fcntl: duplicate, get and set flags; none that names a process to signal."""
DEVICE_COMMANDS = (0x5401, 0x541B, 0x5421, 0x5450, 0x5451)
"""Of ioctl: is it a terminal, how much can be read, blocking, close-on-exec off and on."""


def main() -> None:
    """Read what to run from standard input, give up all powers, run it, and say the word."""
    word, code, tests = sys.stdin.buffer.read().decode().split("\0")
    # Before the filter, because tracebacks import what they need when they are first written.
    traceback.format_exception_only(ValueError("warm"))
    limit()
    forbid()
    if os.getppid() != int(sys.argv[1]):
        return  # The harness died before its death could end this process, too.
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
    """Have the kernel refuse every system call but those that computing needs, for good.

    Raises:
        OSError: If the kernel does not take the filter; then nothing has been run.
    """
    program = b"".join(struct.pack("HBBI", *step) for step in _filter())
    buffer = ctypes.create_string_buffer(program, len(program))

    class Program(ctypes.Structure):
        _fields_ = (("length", ctypes.c_ushort), ("steps", ctypes.c_void_p))

    described = Program(len(program) // 8, ctypes.addressof(buffer))
    libc = ctypes.CDLL(None, use_errno=True)
    die_with_parent, no_new_privileges, set_seccomp, mode_filter = 1, 38, 22, 2
    if (
        libc.prctl(die_with_parent, signal.SIGKILL, 0, 0, 0)
        or libc.prctl(no_new_privileges, 1, 0, 0, 0)
        or libc.prctl(set_seccomp, mode_filter, ctypes.byref(described), 0, 0)
    ):
        raise OSError(ctypes.get_errno(), "the kernel takes no seccomp filter")


Step = tuple[int, int, int, int]
"""Of a classic BPF program: code, steps to jump if true, if false, and a constant."""

_LOAD, _EQUAL, _ANY_BIT, _ABOVE, _GIVE = 0x20, 0x15, 0x45, 0x35, 0x06
_ALLOW, _KILL, _REFUSE = 0x7FFF0000, 0x80000000, 0x00050000


def _filter() -> list[Step]:
    """Allow what computing needs, call by call; whatever is not named here is refused."""
    number, architecture = 0, 4
    steps = [
        (_LOAD, 0, 0, architecture),
        (_EQUAL, 1, 0, _ARCHITECTURE),
        (_GIVE, 0, 0, _KILL),
        (_LOAD, 0, 0, number),
        (_ABOVE, 0, 1, _X32_BIT),
        (_GIVE, 0, 0, _KILL),
    ]
    for call in (*MEMORY, *STREAMS, *FILES, *THREADS, *TIME, *SELF):
        steps += [(_EQUAL, 0, 1, call), (_GIVE, 0, 0, _ALLOW)]
    for call in ABSENT:
        steps += [(_EQUAL, 0, 1, call), (_GIVE, 0, 0, _REFUSE | errno.ENOSYS)]
    # open, openat: to read.
    steps += _allow_without(2, (_argument(1), _WRITES)) + _allow_without(257, (_argument(2), _WRITES))
    # prlimit64: to ask, so that the pointer to what to set is null in both its halves.
    everything = 0xFFFFFFFF
    steps += _allow_without(302, (_argument(2), everything), (_argument(2) + 4, everything))
    # clone: to start a thread.
    steps += _allow_one_of(56, _argument(0), any_bit_of=(_CLONE_THREAD,))
    steps += _allow_one_of(72, _argument(1), values=DESCRIPTOR_COMMANDS)
    steps += _allow_one_of(16, _argument(1), values=DEVICE_COMMANDS)
    return [*steps, (_GIVE, 0, 0, _REFUSE | errno.EPERM)]


def _argument(place: int) -> int:
    """Where the kernel shows the lower half of an argument, counted from 0."""
    return 16 + 8 * place


def _allow_without(call: int, *forbidden: tuple[int, int]) -> list[Step]:
    """Allow a call where no bit is set of any of these, each an offset and bits."""
    body: list[Step] = []
    for offset, bits in forbidden:
        body += [(_LOAD, 0, 0, offset), (_ANY_BIT, 0, 1, bits), (_GIVE, 0, 0, _REFUSE | errno.EPERM)]
    return [(_EQUAL, 0, len(body) + 1, call), *body, (_GIVE, 0, 0, _ALLOW)]


def _allow_one_of(
    call: int, offset: int, *, values: tuple[int, ...] = (), any_bit_of: tuple[int, ...] = ()
) -> list[Step]:
    """Allow a call whose argument is one of these values, or has a bit of one of these."""
    body: list[Step] = [(_LOAD, 0, 0, offset)]
    for code, constants in ((_EQUAL, values), (_ANY_BIT, any_bit_of)):
        for constant in constants:
            body += [(code, 0, 1, constant), (_GIVE, 0, 0, _ALLOW)]
    return [(_EQUAL, 0, len(body) + 1, call), *body, (_GIVE, 0, 0, _REFUSE | errno.EPERM)]


if __name__ == "__main__":
    main()
