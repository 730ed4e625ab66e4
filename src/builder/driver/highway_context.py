"""The durable context of the task that is running in this thread."""

import inspect
import threading

_local = threading.local()


def get_context():
    """The context of the running task. RuntimeError outside of one."""
    ctx = getattr(_local, "ctx", None)
    if ctx is None:
        raise RuntimeError("get_context() works only while a durable task is running")
    return ctx


def _set_context(ctx):
    _local.ctx = ctx


def _clear_context():
    _local.ctx = None


def _call(function, ctx, args, kwargs):
    if next(iter(inspect.signature(function).parameters), None) in ("ctx", "context"):
        return function(ctx, *args, **kwargs)
    _set_context(ctx)
    try:
        return function(*args, **kwargs)
    finally:
        _clear_context()


_modules, _shared = [], {}


def _share(module, **functions):
    _modules.append(module)
    _shared.update(functions)
    for module in _modules:
        module.update({**_shared, **module})
