# What a script for the task `python` declares, by its text alone: nothing of it is run or imported. As host.py would
# find it, and where that cannot be known (bases and decorators of others, definitions under a condition), nothing is
# claimed. Reads a question, writes an answer: two files with JSON (script_facts.h).
import ast
import json
import os
import sys

TYPES = {"int": int, "float": float, "str": str, "bool": bool, "list": list, "dict": dict}
ALIASES = {"List": "list", "Dict": "dict"}
NO_PARAMETERS = {"Any", "Callable", "ClassVar", "Final", "Optional", "Set", "Tuple", "Union", "bytes", "set", "tuple"}
DYNAMIC = {"exec", "globals", "setattr"}  # whoever uses these may make anything
METHODS = ("open", "process", "finish", "close")


def hint_of(node):
    """The type's name; "" where it is none of a parameter's; None where it is not known."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        try:
            node = ast.parse(node.value, mode="eval").body
        except SyntaxError:
            return None
    if isinstance(node, ast.Constant):
        return ""
    if isinstance(node, ast.BinOp):
        return ""  # int | None
    if isinstance(node, ast.Subscript):
        node = node.value
    name = node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else None
    name = ALIASES.get(name, name)
    return name if name in TYPES else "" if name in NO_PARAMETERS else None


def targets_of(node):
    targets = node.targets if isinstance(node, ast.Assign) else [node.target]
    return [one.id for target in targets for one in ast.walk(target) if isinstance(one, ast.Name)]


def is_class_name(name):
    return name[:1].isupper() and (len(name) == 1 or not name.isupper())


class Kind:
    """A class of the module, with those that it inherits from, as far as they stand in the file."""

    def __init__(self, node, known):
        self.node, self.name = node, node.name
        self.whole = not node.decorator_list and not node.keywords  # nothing else adds to it
        self.params, self.assigned = {}, set()
        for base in reversed(node.bases):
            parent = known.get(base.id) if isinstance(base, ast.Name) else None
            if parent is not None:
                self.whole = self.whole and parent.whole
                self.params.update(parent.params)
                self.assigned |= parent.assigned
            elif not (isinstance(base, ast.Name) and base.id == "object"):
                self.whole = False
        for line in node.body:
            if isinstance(line, (ast.FunctionDef, ast.ClassDef)):
                self.assigned.add(line.name)
            elif isinstance(line, ast.Assign):
                self.assigned.update(targets_of(line))
            elif isinstance(line, ast.AnnAssign) and isinstance(line.target, ast.Name):
                self.params[line.target.id] = line
            elif not isinstance(line, (ast.Expr, ast.Pass)):
                self.whole = False  # conditions, loops, imports

    def has(self, method):
        return method in self.assigned

    def hints(self):
        return {name: hint_of(line.annotation) for name, line in self.params.items() if not name.startswith("_")}


class Script:
    def __init__(self, tree, text, name):
        self.name, self.text, self.kinds, self.imports = name, text, {}, []
        self.whole = not any(isinstance(node, ast.Name) and node.id in DYNAMIC for node in ast.walk(tree))
        for node in tree.body:
            if isinstance(node, ast.ClassDef):
                self.kinds[node.name] = Kind(node, self.kinds)
            elif isinstance(node, ast.Import):
                self.imports += [one.name.split(".")[0] for one in node.names]
            elif isinstance(node, ast.ImportFrom):
                self.imports += [node.module.split(".")[0]] if node.module and not node.level else []
            elif not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                inner = any(isinstance(one, ast.ClassDef) for one in ast.walk(node))
                made = isinstance(node, ast.Assign) and isinstance(node.value, (ast.Call, ast.Name))
                made = made and any(is_class_name(name) for name in targets_of(node))
                self.whole = self.whole and not (inner or made)

    def tasks(self):
        return {name: kind for name, kind in self.kinds.items() if kind.has("process")}

    def chosen(self, name, problems):
        found = self.tasks()
        known = ", ".join(sorted(found)) or "none"
        sure = self.whole and all(kind.whole for kind in self.kinds.values())
        if name:
            if name not in found and sure:
                text = "%s has no class '%s' with process(self, frame, out); it has: %s"
                problems.append({"about": "class", "text": text % (self.name, name, known)})
            return found.get(name)
        if len(found) != 1 and sure:
            text = "%s has %d classes with process(self, frame, out) and needs one, or the parameter `class`; it has: "
            problems.append({"about": "class", "text": text % (self.name, len(found)) + known})
        return next(iter(found.values())) if len(found) == 1 and sure else None

    def check_values(self, kind, values, problems):
        hints = kind.hints()
        known = ", ".join(sorted(name for name, hint in hints.items() if hint != "")) or "none"
        for name, value in values.items():
            hint = hints.get(name, "")
            text = None
            if hint == "" and (kind.whole or name in hints):
                text = "%s has no parameter '%s'; it has: %s" % (self.name, name, known)
            elif hint and type(value) is not TYPES[hint] and not (hint == "float" and type(value) is int):
                text = "%s: the parameter '%s' is %s, not %s" % (self.name, name, hint, json.dumps(value)[:100])
            if text:
                problems.append({"about": "values", "text": text})
        may_set_itself = not kind.whole or kind.assigned & {"__init__", "__new__", "__getattr__", "__getattribute__"}
        for name, hint in hints.items():
            if hint and name not in values and kind.params[name].value is None and name not in kind.assigned:
                if not may_set_itself:
                    text = "%s needs the parameter '%s' in `values`: it has no default"
                    problems.append({"about": "values", "text": text % (self.name, name)})

    def described(self, kind):
        params = []
        for name, hint in kind.hints().items():
            if hint == "":
                continue
            value = kind.params[name].value
            default = None if value is None else ast.get_source_segment(self.text, value)
            params.append({"name": name, "type": hint or "", "default": default})
        methods = [name for name in METHODS if kind.has(name)]
        doc = (ast.get_docstring(kind.node) or "").split("\n\n")[0]
        return {"name": kind.name, "doc": doc, "params": params, "methods": methods, "whole": kind.whole}


def answer_to(question):
    problems, answer = [], {"python": sys.version.split()[0], "classes": [], "imports": [], "problems": []}
    answer["problems"] = problems
    name = question["name"]
    with open(question["file"], "rb") as file:
        source = file.read()
    try:
        compile(source, name, "exec", dont_inherit=True)
        tree = ast.parse(source, name)
    except SyntaxError as error:
        text = "%s:%s: %s: %s" % (name, error.lineno or 1, type(error).__name__, error.msg)
        problems.append({"about": "file", "text": text})
        return answer
    except (ValueError, RecursionError, MemoryError) as error:
        problems.append({"about": "file", "text": "%s: %s: %s" % (name, type(error).__name__, error)})
        return answer
    script = Script(tree, source.decode("utf-8", "replace"), name)
    answer["imports"] = sorted(set(script.imports))
    answer["classes"] = [script.described(kind) for kind in script.tasks().values()]
    kind = script.chosen(question["class"], problems)
    if kind is not None and question["values"] is not None:
        script.check_values(kind, question["values"], problems)
    return answer


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        question = json.load(file)
    text = json.dumps(answer_to(question))
    with open(sys.argv[2] + ".new", "w", encoding="utf-8") as file:
        file.write(text)
    os.rename(sys.argv[2] + ".new", sys.argv[2])


main()
