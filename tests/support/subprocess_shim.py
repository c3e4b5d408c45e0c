"""CPython's own tests of subprocess, with libreeve's spawn where CPython has its _fork_exec.

    python3 subprocess_shim.py LIBREEVE.SO [unittest's arguments]
"""
import ctypes as c
import os
import pathlib
import signal
import subprocess
import sys
import unittest

(SET_UID, SET_GID, SET_GROUPS, SET_UMASK, SET_PROCESS_GROUP, NEW_SESSION, CLOSE_REST, KEEP_MASK, KEEP_IGNORED,
 NO_SEARCH) = (1 << n for n in (0, 1, 2, 3, 7, 11, 12, 14, 15, 17))
STAGE_CLONE, STAGE_EXEC = 2, 18


class Descriptor(c.Structure):
    _fields_ = [("source", c.c_int), ("target", c.c_int)]


class Spec(c.Structure):
    """struct reeve_process_spec"""
    _fields_ = [
        ("flags", c.c_uint), ("argv", c.POINTER(c.c_char_p)), ("shell", c.c_char_p), ("executable", c.c_char_p),
        ("executable_fd", c.c_int), ("environment", c.POINTER(c.c_char_p)), ("directory", c.c_char_p),
        ("directory_fd", c.c_int), ("uid", c.c_uint), ("gid", c.c_uint), ("groups", c.POINTER(c.c_uint)),
        ("group_count", c.c_size_t), ("umask", c.c_uint), ("nice", c.c_int), ("oom_score_adj", c.c_int),
        ("cgroup_fd", c.c_int), ("limits", c.c_void_p), ("limit_count", c.c_size_t), ("process_group", c.c_int),
        ("terminal_fd", c.c_int), ("descriptors", c.POINTER(Descriptor)), ("descriptor_count", c.c_size_t),
        ("mask", c.c_uint64), ("ignored", c.c_uint64), ("parent_death_signal", c.c_int), ("shared_pid", c.c_void_p)]


class Failure(c.Structure):
    """struct reeve_process_failure"""
    _fields_ = [("error", c.c_int), ("stage", c.c_int), ("index", c.c_size_t), ("program", c.c_size_t), ("pid", c.c_int)]


def text(value):
    encoded = os.fsencode(value)
    if b"\0" in encoded:
        raise ValueError("embedded null byte")
    return encoded


def strings(values):
    return (c.c_char_p * (len(values) + 1))(*map(text, values), None)


def number(value, error=OverflowError):
    if value >= 1 << 32:
        raise error("too large for an id")
    return value


def load(path):
    library = c.PyDLL(path)
    library.reeve_process_spawn.argtypes = [c.POINTER(Spec), c.POINTER(Failure), c.POINTER(c.c_void_p)]
    library.reeve_process_pid.argtypes = library.reeve_process_fd.argtypes = [c.c_void_p]
    return library


def describe(args, close_fds, keep, cwd, environment, fds, errpipe_write, restore_signals, new_session, group, gid, gids,
             uid, umask):
    spec = Spec(flags=KEEP_MASK | NO_SEARCH)
    spec.argv = strings(args)
    spec.environment = strings(environment) if environment is not None else None
    spec.directory = text(cwd) if cwd is not None else None
    entries = {target: source for target, source in enumerate(fds) if source != -1}
    if close_fds:
        spec.flags |= CLOSE_REST
        entries.update({fd: fd for fd in keep if fd not in entries and fd != errpipe_write})
    spec.descriptors = (Descriptor * (len(entries) + 1))(*((source, target) for target, source in entries.items()))
    spec.descriptor_count = len(entries)
    if not restore_signals:
        spec.flags |= KEEP_IGNORED
    if new_session:
        spec.flags |= NEW_SESSION
    elif group >= 0:
        spec.flags, spec.process_group = spec.flags | SET_PROCESS_GROUP, group
    if gid is not None:
        spec.flags, spec.gid = spec.flags | SET_GID, number(gid)
    if gids is not None:
        ids = [number(group, ValueError) for group in gids]
        spec.flags, spec.groups, spec.group_count = spec.flags | SET_GROUPS, (c.c_uint * (len(ids) + 1))(*ids), len(ids)
    if uid is not None:
        spec.flags, spec.uid = spec.flags | SET_UID, number(uid)
    if umask >= 0:
        spec.flags, spec.umask = spec.flags | SET_UMASK, umask
    return spec


def replacement(library, original):
    def fork_exec(args, executables, close_fds, keep, cwd, environment, p2cread, p2cwrite, c2pread, c2pwrite, errread,
                  errwrite, errpipe_read, errpipe_write, restore_signals, new_session, group, gid, gids, uid, umask,
                  preexec_fn, *rest):
        if preexec_fn is not None:
            return original(args, executables, close_fds, keep, cwd, environment, p2cread, p2cwrite, c2pread, c2pwrite,
                            errread, errwrite, errpipe_read, errpipe_write, restore_signals, new_session, group, gid, gids,
                            uid, umask, preexec_fn, *rest)
        spec = describe(list(args), close_fds, keep, cwd, environment, (p2cread, c2pwrite, errwrite), errpipe_write,
                        restore_signals, new_session, group, gid, gids, uid, umask)
        worst = None
        for executable in executables:
            failure, handle = Failure(), c.c_void_p()
            spec.executable = text(executable)
            if library.reeve_process_spawn(spec, failure, handle) == 0:
                # The handle stays, for who waits for the child is subprocess; its descriptor must not: a test counts them.
                os.close(library.reeve_process_fd(handle))
                return library.reeve_process_pid(handle)
            if worst is None or -failure.error not in (2, 20):
                worst = failure
            if failure.stage != STAGE_EXEC:
                break
        if worst.stage <= STAGE_CLONE:
            raise OSError(-worst.error, os.strerror(-worst.error))
        os.write(errpipe_write, b"OSError:%X:%s" % (-worst.error, b"" if worst.stage == STAGE_EXEC else b"noexec"))
        return worst.pid
    return fork_exec


def end_what_is_left():
    """CPython's tests leave sleepers behind. They are ours, by way of the subreaper."""
    children = pathlib.Path("/proc/self/task/%d/children" % os.getpid())
    while pids := [int(pid) for pid in children.read_text().split()]:
        for pid in pids:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)


if __name__ == "__main__":
    reeve = load(sys.argv[1])
    reeve.reeve_process_set_subreaper(c.c_bool(True))
    subprocess._fork_exec = replacement(reeve, subprocess._fork_exec)
    from test import test_subprocess
    result = unittest.main(test_subprocess, argv=sys.argv[:1] + sys.argv[2:], exit=False).result
    end_what_is_left()
    sys.exit(not result.wasSuccessful())
