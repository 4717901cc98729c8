"""Runs Python code for the engine: one request and one answer a line, both JSON.

The process limits its own memory and ends with its parent. What code prints is part of the answer. Between two scripts of an instance
the variables travel as text: pickled values, the modules that are imported, and the source of functions and classes.
"""
import sys

MEMORY, MOST = int(sys.argv[1]), int(sys.argv[2])

import ast, base64, builtins, importlib, io, json, math, os, pickle, resource, threading, time, traceback, types

resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))

requests = os.fdopen(os.dup(0), "rb")
answers = os.fdopen(os.dup(1), "wb")
nowhere = os.open(os.devnull, os.O_RDWR)
os.dup2(nowhere, 0)
os.dup2(nowhere, 1)

MODULE = "__script__"
DEEPEST = 8
PRINTED = 8192


class Printed(io.TextIOBase):
    """Keeps the beginning of what code prints."""

    def __init__(self):
        self.text = ""

    def writable(self):
        return True

    def write(self, text):
        self.text += text[: max(0, PRINTED - len(self.text))]
        return len(text)


class Problem(Exception):
    """A problem of the request itself, in words for people."""


def end_with_parent():
    parent = os.getppid()
    while os.getppid() == parent:
        time.sleep(1)
    os._exit(0)


def attributes(value):
    """The data of an object: its own attributes and its properties."""
    found = dict(getattr(value, "__dict__", {}))
    for name in dir(type(value)):
        described = getattr(type(value), name, None)
        if isinstance(described, (property, types.GetSetDescriptorType, types.MemberDescriptorType)):
            try:
                found[name] = getattr(value, name)
            except Exception:
                pass
    return {name: each for name, each in found.items() if not name.startswith("_") and not callable(each)}


def to_json(value, depth=0):
    """A value as JSON. An object becomes its data."""
    if value is None or isinstance(value, (bool, int, str)):
        return value.real if type(value) is not bool and isinstance(value, int) else value
    if isinstance(value, float):
        if not math.isfinite(value):
            raise Problem("the number %r has no form in JSON" % value)
        return float(value)
    if depth >= DEEPEST:
        return str(value)
    if isinstance(value, dict):
        return {str(name): to_json(each, depth + 1) for name, each in value.items()}
    if isinstance(value, (list, tuple, set, frozenset, range)):
        return [to_json(each, depth + 1) for each in value]
    if isinstance(value, (bytes, bytearray)):
        return base64.b64encode(value).decode()
    if callable(getattr(value, "tolist", None)):
        return to_json(value.tolist(), depth + 1)
    data = attributes(value)
    return {name: to_json(each, depth + 1) for name, each in data.items()} if data else str(value)


def definitions(script):
    """The source of the functions and classes that a script defines at its top level, by name."""
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    return {node.name: ast.unparse(node) for node in ast.parse(script).body if isinstance(node, kinds)}


def restore(state):
    """The variables that earlier scripts left."""
    module = types.ModuleType(MODULE)
    sys.modules[MODULE] = module
    names = module.__dict__
    for name, path in state.get("modules", {}).items():
        names[name] = importlib.import_module(path)
    for name, pair in state.get("members", {}).items():
        names[name] = getattr(importlib.import_module(pair[0]), pair[1])
    waiting = dict(state.get("values", {}))
    # A definition may need a value and a value a class, so what fails is tried again after the definitions.
    for last in (False, True):
        for name, text in list(waiting.items()):
            try:
                names[name] = pickle.loads(base64.b64decode(text))
                del waiting[name]
            except Exception:
                if last:
                    raise Problem("the variable `%s` of an earlier script cannot be read again" % name)
        if not last:
            for source in state.get("definitions", {}).values():
                exec(compile(source, "<script>", "exec"), names)
    return names


def keep(names, state, script, secrets):
    """What the next script needs."""
    known = dict(state.get("definitions", {}))
    known.update(definitions(script))
    lost = {name: kind for name, kind in state.get("lost", {}).items() if name not in names}
    kept = {"modules": {}, "members": {}, "definitions": {}, "values": {}, "lost": {**lost, **secrets}}
    for name, value in names.items():
        if name.startswith("__"):
            continue
        home = getattr(value, "__module__", None)
        if isinstance(value, types.ModuleType):
            kept["modules"][name] = value.__name__
        elif isinstance(value, (types.FunctionType, type)) and home == MODULE and name in known:
            kept["definitions"][name] = known[name]
        elif isinstance(value, (types.FunctionType, types.BuiltinFunctionType, type)) and home not in (None, MODULE):
            kept["members"][name] = [home, value.__qualname__]
        else:
            try:
                kept["values"][name] = base64.b64encode(pickle.dumps(value)).decode()
            except Exception:
                kept["lost"][name] = type(value).__name__
    return {kind: entries for kind, entries in kept.items() if entries}


def is_shown(name, value):
    return not name.startswith("_") and not isinstance(value, types.ModuleType) and not callable(value)


def run_script(request):
    state = request.get("state") or {}
    names = restore(state)
    names.update(request["variables"])
    script = request["script"]
    try:
        exec(compile(script, "<script>", "exec"), names)
        # Secrets that it was given are not stored.
        secrets = {name: "secret" for name in request["secrets"] if names.pop(name, None) is not None}
    except NameError as error:
        name = getattr(error, "name", None)
        if name in state.get("lost", {}):
            error.args = (
                "name '%s' is not defined: an earlier script left it, but a %s cannot be stored" % (name, state["lost"][name]),
            )
        raise
    shown = {name: to_json(value) for name, value in names.items() if is_shown(name, value)}
    return {"values": shown, "state": keep(names, state, script, secrets)}


def call_function(request):
    module = importlib.import_module(request["module"])
    function = getattr(module, request["function"], None)
    if function is None:
        raise Problem("the module `%s` has no function `%s`" % (request["module"], request["function"]))
    arguments = request["arguments"]
    if isinstance(arguments, dict):
        result = function(**arguments)
    elif isinstance(arguments, list):
        result = function(*arguments)
    elif request["has_arguments"]:
        result = function(arguments)
    else:
        result = function()
    return {"result": to_json(result)}


def describe(error):
    """An error, with the line of the script that it comes from."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename == "<script>"]
    line = error.lineno if isinstance(error, SyntaxError) and error.filename == "<script>" else None
    if line is None and frames:
        line = frames[-1].lineno
    kind = None if isinstance(error, Problem) else type(error).__name__
    return {"type": kind, "message": str(error)[:4096], "line": line}


def answer(request):
    for path in request["path"]:
        if path not in sys.path:
            sys.path.append(path)
    try:
        done = run_script(request) if "script" in request else call_function(request)
        text = json.dumps(done, allow_nan=False)
        if len(text) > MOST:
            raise Problem(
                "the result takes %d bytes and may take %d, as `rondo.python.max-output-bytes` says" % (len(text), MOST)
            )
        return text
    except MemoryError:
        return json.dumps({"error": {"type": "MemoryError", "message": "the code needs more memory than it may have", "line": None}})
    except BaseException as error:
        return json.dumps({"error": describe(error)})


threading.Thread(target=end_with_parent, daemon=True).start()
for line in requests:
    sys.stdout = sys.stderr = printed = Printed()
    text = answer(json.loads(line))
    if printed.text:
        text = text[:-1] + ', "printed": ' + json.dumps(printed.text) + "}"
    answers.write(text.encode() + b"\n")
    answers.flush()
