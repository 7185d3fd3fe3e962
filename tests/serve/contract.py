"""`azr-env serve` as others see it: by Python's own HTTP client, and with CPython and Node as the judges of what programs do.

usage: contract.py URL
"""

import base64
import concurrent.futures
import contextlib
import hashlib
import http.client
import io
import json
import os
import shutil
import subprocess
import sys
import tempfile
import unittest
import urllib.error
import urllib.parse
import urllib.request

URL = sys.argv.pop(1)
sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../../host/env/python"))
import azr_env  # noqa: E402

# Each ends elsewhere as it does here: status, output, error output up to the paths in it, files.
PYTHON = {
    "prints": "print('h\u00e9llo', 1.5, [1], sep='|')\nprint('no newline', end='')",
    "reads a line at a time": "n = int(input('how many? '))\nprint(sum(int(input()) for _ in range(n)))",
    "reads all": "import sys\nprint(sys.stdin.read().split())",
    "reads lines": "import sys\nfor line in sys.stdin: print(repr(line))",
    "reads bytes": "import sys\nprint(len(sys.stdin.buffer.read()))",
    "reads the end": "import sys\nsys.stdin.read()\nprint(repr(sys.stdin.readline()))\ntry:\n input()\nexcept EOFError as e: print(e)",
    "opens descriptor 0": "print(open(0).read().upper())",
    "writes to both": "import sys\nprint('out')\nprint('err', file=sys.stderr)\nsys.stdout.write('x\\n')\nsys.stderr.write('y')",
    "writes bytes": "import sys\nsys.stdout.buffer.write(b'\\xc3\\xa9\\n')\nsys.stdout.flush()\nprint('after')",
    "exits": "import sys\nprint('before')\nsys.exit(3)",
    "exits with a text": "import sys\nsys.exit('why')",
    "exits with nothing": "import sys\nsys.exit()",
    "exits with a large number": "raise SystemExit(257)",
    "exits with a negative number": "raise SystemExit(-1)",
    "raises": "def g(x):\n    return 1 / x\n\nprint('before')\ng(0)",
    "raises a chain": "try:\n    {}['k']\nexcept KeyError as e:\n    raise ValueError('v') from e",
    "raises its own": "class Odd(Exception):\n    pass\n\nraise Odd('o', 2)",
    "is no program": "def f(:\n    pass",
    "is empty": "",
    "is main": "print(__name__)\nif __name__ == '__main__':\n    print('main')",
    "sees itself": "import sys\nprint(len(sys.argv), sys.modules['__main__'].x if False else globals()['__name__'])",
    "closes its output": "import sys\nprint('kept')\nsys.stdout.close()",
    "replaces its output": "import io, sys\nprint('a')\nold, sys.stdout = sys.stdout, io.StringIO()\nprint('b')\nsys.stdout = old\nprint('c')",
    "recurses": "def f(n): return 0 if n == 0 else 1 + f(n - 1)\nprint(f(900))",
    "recurses for ever": "def f(n): return f(n + 1)\ntry:\n    f(0)\nexcept RecursionError:\n    print('caught')",
    "star-imports": "".join(
        f"from {name} import *\n"
        for name in "string re datetime collections heapq bisect copy math random statistics itertools functools operator io sys json builtins typing".split()
    ) + "print(sorted(Counter('hello').items()), gcd(4, 6), dumps({'a': 1}))",
    "reads descriptors": "import os, sys\nprint(os.read(0, 4), os.fstat(0).st_size >= 0, os.write(1, b'direct\\n'))",
    "reads the descriptor of a stream": "import os, sys\nprint(sys.stdin.name, sys.stdout.mode)\nsys.stdout.flush()\ntext = os.read(sys.stdin.fileno(), max(os.fstat(sys.stdin.fileno()).st_size, 8192))\nos.write(sys.stdout.fileno(), b'%d lines' % len(text.split()))",
    "raises in a file": "import helper\nhelper.double(None)\n",
    "misses a module": "try:\n    import nothing_of_that_name\nexcept ImportError as e:\n    print(type(e).__mro__[-4].__name__, isinstance(e, ModuleNotFoundError))",
    "reads a file": "print(open('data/in.txt').read(), open('/dev/stdin').read())",
    "writes a file": "with open('out.txt', 'w') as f:\n    f.write('one\\n')\nwith open('out.txt', 'a') as f:\n    print('two', file=f)\nprint(open('out.txt').readlines())",
    "writes a file and does not close it": "f = open('out.txt', 'wb')\nf.write(b'\\x00\\xff')",
    "misses a file": "try:\n    open('none.txt')\nexcept FileNotFoundError as e:\n    print(e.errno, e.filename)\nopen('none.txt')",
    "imports a file": "import helper, package.part\nfrom package import name\nprint(helper.double(4), package.part.x, name)",
    "creates once": "open('out.txt', 'x').write('1')\ntry:\n    open('out.txt', 'x')\nexcept FileExistsError:\n    print('there')",
    "edits a file": "with open('data/in.txt', 'r+') as f:\n    text = f.read()\n    f.seek(0)\n    f.write(text.upper())\nprint(open('data/in.txt', encoding='utf-8').read())",
}  # fmt: skip
STDIN = "3\n1\n2\n30\n"
FILES = {
    "data/in.txt": b"content \xc3\xa9",
    "helper.py": b"def double(x):\n    return 2 * x\n",
    "package/__init__.py": b"name = 'package'\n",
    "package/part.py": b"from . import name\nx = name * 2\n",
}

NODE = {
    "prints": "console.log('a', 1, [1, 'two', null], { k: 'v', 'x y': undefined }, true, -0, 10n)",
    "formats": "console.log('%s is %d of %j', 'a', 3, { b: 1 }, 'rest')",
    "reads all": "const t = require('fs').readFileSync(0, 'utf8'); console.log(t.trim().split('\\n').map(Number).reduce((a, b) => a + b))",
    "reads lines": "const rl = require('readline').createInterface({ input: process.stdin });\nlet n = 0; rl.on('line', (l) => { n += l.length }); rl.on('close', () => console.log(n))",
    "exits": "console.log('x'); process.exit(4)",
    "sets its status": "process.exitCode = 2; process.stdout.write('no newline')",
    "shows lines as long as they may be": "for (const n of [28, 29, 30, 31, 32, 33, 34]) console.log(['x'.repeat(n), 'y'.repeat(n)], { k: 'x'.repeat(n), l: ['y'.repeat(n)] }, new Set(['x'.repeat(n + 20)]))",
    "shows sets": "console.log(new Set([1, 'a']), new Map([['k', 1]]), [[[[1]]]], [])",
    "waits": "setTimeout(() => console.log('later'), 1); console.log('now')",
    "waits in turn": "setTimeout(() => console.log('b'), 20); setTimeout(() => console.log('a'), 5); setTimeout((x) => console.log(x), 20, 'c')",
    "waits at intervals": "let n = 0; const t = setInterval(() => { console.log(n); if (++n === 3) clearInterval(t); }, 2)",
    "stops waiting": "clearTimeout(setTimeout(() => console.log('never'), 1)); console.log('now')",
    "awaits": "const g = async (x) => { await null; return x * 2; };\n(async () => { console.log(await g(4)); for (const x of [1, 2]) console.log(await g(x)); })();\nconsole.log('first')",
    "chains promises": "Promise.resolve(1).then((x) => { console.log(x); return x + 1; }).then((x) => { throw new Error('e' + x); }).catch((e) => console.log(e.message)).finally(() => console.log('end'))",
    "orders what it waits for": "setTimeout(() => { console.log(5); Promise.resolve().then(() => console.log(6)); process.nextTick(() => console.log('5b')); }); setTimeout(() => console.log(7)); Promise.resolve().then(() => { console.log(3); process.nextTick(() => console.log(4)); }); process.nextTick(() => console.log(2)); console.log(1); queueMicrotask(() => console.log('3b'))",
    "sleeps": "const sleep = (ms) => new Promise((done) => setTimeout(done, ms));\n(async () => { await Promise.all([sleep(30).then(() => console.log('slow')), sleep(10).then(() => console.log('fast'))]); console.log('both'); })()",
    "awaits lines": "(async () => { let n = 0; for await (const line of require('readline').createInterface({ input: process.stdin })) n += Number(line); console.log(n); })()",
    "awaits for ever": "(async () => { await new Promise(() => {}); console.log('never'); })(); console.log('done')",
    "rejects": "console.log('before'); setTimeout(() => console.log('never'), 1); Promise.reject(new TypeError('bad'))",
    "rejects in a function": "async function main() { console.log('in'); throw new RangeError('out'); }\nmain(); console.log('after')",
    "handles a rejection late": "const p = Promise.reject(new Error('x')); Promise.resolve().then(() => p.catch((e) => console.log('caught', e.message)))",
    "rejects within a timer": "setTimeout(async () => { throw 3; }, 1); setTimeout(() => console.log('never'), 5)",
    "throws within a timer": "setTimeout(() => { throw new Error('x'); }, 1); setTimeout(() => console.log('never'), 5)",
    "exits within a promise": "(async () => { console.log('in'); process.exit(3); })().catch(() => { console.log('never'); process.exit(1); }); setTimeout(() => console.log('never'), 1)",
    "iterates asynchronously": "async function* g() { yield 1; yield 2; }\n(async () => { for await (const x of g()) console.log(x); console.log(await Promise.allSettled([1, Promise.reject(2)])); })()",
}


def post(path, body, headers=None):
    """Status, headers and answer."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    request = urllib.request.Request(URL + path, content, {"Content-Type": "application/json", **(headers or {})})
    try:
        with urllib.request.urlopen(request) as response:
            return response.status, response.headers, json.load(response)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.headers, json.load(error)


def get(path):
    with urllib.request.urlopen(URL + path) as response:
        return response.read().decode()


def run_code(code, **more):
    status, headers, answer = post("/run_code", {"code": code, "language": "python", **more})
    assert status == 200, answer
    return answer, headers


def native(command, code, name):
    """Status, output, error output and the files in the folder, of this machine's own interpreter."""
    with tempfile.TemporaryDirectory() as folder:
        for path, content in {**FILES, name: code.encode()}.items():
            os.makedirs(os.path.dirname(os.path.join(folder, path)), exist_ok=True)
            with open(os.path.join(folder, path), "wb") as file:
                file.write(content)
        done = subprocess.run(
            [*command, os.path.join(folder, name)], input=STDIN.encode(), capture_output=True, cwd=folder, timeout=60,
            env={"PATH": os.environ["PATH"], "PYTHONDONTWRITEBYTECODE": "1", "PYTHONUTF8": "1", "NO_COLOR": "1"},
        )  # fmt: skip
        files = {}
        for path in ("out.txt", "data/in.txt"):
            if os.path.exists(os.path.join(folder, path)):
                with open(os.path.join(folder, path), "rb") as file:
                    files[path] = file.read()
        return done.returncode, done.stdout.decode(), done.stderr.decode(), files


class RunCode(unittest.TestCase):
    def test_python_programs_end_as_under_cpython(self):
        encoded = {name: base64.b64encode(content).decode() for name, content in FILES.items()}
        for name, code in PYTHON.items():
            with self.subTest(name):
                answer, _ = run_code(code, stdin=STDIN, files=encoded, fetch_files=["out.txt", "data/in.txt"])
                status, stdout, stderr, files = native([sys.executable], code, "main.py")
                result = answer["run_result"]
                self.assertEqual((result["return_code"], result["stdout"]), (status, stdout), result)
                self.assertEqual(answer["status"], "Success" if status == 0 else "Failed")
                self.assertEqual(result["status"], "Finished")
                # Versions of Python word their tracebacks differently; the exception is the last line.
                self.assertEqual(result["stderr"].splitlines()[-1:], stderr.splitlines()[-1:])
                got = {path: base64.b64decode(content) for path, content in answer["files"].items()}
                self.assertEqual(got, files)

    def test_tracebacks_show_the_program(self):
        answer, _ = run_code(PYTHON["raises"])
        stderr = answer["run_result"]["stderr"]
        self.assertIn('main.py", line 2, in g\n    return 1 / x', stderr)
        self.assertNotIn("run_code.py", stderr)

    @unittest.skipUnless(shutil.which("node"), "compares with node, which is not on this machine")
    def test_javascript_programs_end_as_under_node(self):
        for name, code in NODE.items():
            with self.subTest(name):
                status, _, answer = post("/run_code", {"code": code, "language": "nodejs", "stdin": STDIN})
                self.assertEqual(status, 200, answer)
                expected = native(["node"], code, "main.js")[:2]
                self.assertEqual((answer["run_result"]["return_code"], answer["run_result"]["stdout"]), expected, answer)

    def test_answers_have_the_fields_of_sandboxfusion(self):
        answer, headers = run_code("print(6 * 7)")
        self.assertEqual(
            set(answer), {"status", "message", "compile_result", "run_result", "executor_pod_name", "files"}
        )
        self.assertEqual(
            set(answer["run_result"]), {"status", "execution_time", "return_code", "stdout", "stderr"}
        )
        self.assertEqual(answer["run_result"]["stdout"], "42\n")
        fuel_per_second = json.loads(get("/v1/envs"))["fuel_per_second"]
        self.assertEqual(int(headers["azr-fuel"]), round(answer["run_result"]["execution_time"] * fuel_per_second))
        self.assertEqual(json.loads(get("/v1/ping")), "pong")

    def test_the_end_of_the_fuel_is_the_end_of_the_time(self):
        answer, headers = run_code("print('lost')\nwhile True: pass", run_timeout=0.05)
        result = answer["run_result"]
        self.assertEqual((answer["status"], result["status"], result["return_code"]), ("Failed", "TimeLimitExceeded", None))
        self.assertEqual(int(headers["azr-fuel-limit"]), json.loads(get("/v1/envs"))["fuel_per_second"] // 20)
        self.assertEqual(result["execution_time"], 0.05)

    def test_what_breaks_the_interpreter_is_the_program_s_own_doing(self):
        memory, _ = run_code("x = bytearray(100 << 20)\nprint(len(x))", memory_limit_MB=64)
        # CPython itself notices, and says so by an exception.
        self.assertEqual((memory["status"], memory["run_result"]["return_code"]), ("Failed", 1))
        self.assertIn("MemoryError", memory["run_result"]["stderr"])
        enough, _ = run_code("x = bytearray(100 << 20)\nprint(len(x))", memory_limit_MB=256)
        self.assertEqual(enough["status"], "Success")
        flood, _ = run_code("for _ in range(40): print('x' * (1 << 20))")
        self.assertEqual((flood["status"], flood["run_result"]["return_code"]), ("Failed", 137))
        self.assertIn("cannot be taken", flood["run_result"]["stderr"])
        forged, _ = run_code("import sys\nframe = sys._getframe()\nwhile frame: frame.f_globals['run'] = None; frame = frame.f_back")
        self.assertEqual(forged["status"], "Success")

    def test_programs_do_not_meet(self):
        run_code("import builtins\nbuiltins.print = None\nimport sys\nsys.modules['json'] = None\nopen('left.txt', 'w').write('x')")
        answer, _ = run_code("import json\nprint(json.dumps(1))\nopen('left.txt')")
        self.assertEqual(answer["run_result"]["stdout"], "1\n")
        self.assertIn("FileNotFoundError", answer["run_result"]["stderr"])

    def test_requests_that_make_no_sense_are_refused(self):
        sense = {"code": "x = 1", "language": "python"}
        for more, words in (
            ({"language": "cpp"}, '"cpp" is not one of those that run here: python, nodejs'), ({"run_timeout": 0}, "run_timeout is 0"),
            ({"run_timeout": -1}, "run_timeout is -1"), ({"run_timeout": "5"}, 'run_timeout: invalid type: string "5", expected a number'),
            ({"memory_limit_MB": 0.5}, "memory_limit_MB: invalid type: floating point `0.5`, expected a whole number"),
            ({"files": {"a": "?"}}, "base64"), ({"files": {"a": 5}}, "files.a: "), ({"fetch_files": "a"}, "expected a list"),
            ({"code": 1}, "code: invalid type: integer `1`, expected a text"),
        ):  # fmt: skip
            with self.subTest(more):
                status, _, answer = post("/run_code", {**sense, **more})
                self.assertEqual(status, 422)
                self.assertIn(words, answer["detail"])
        for path, body, kind, wanted, words in (
            ("/run_code", b"{", "application/json", 422, "cannot be read: EOF"),
            ("/run_code", b"", "application/json", 422, "the body is empty"),
            ("/run_code", [sense, 5], "application/json", 422, "[1]: invalid type: integer `5`, expected an object with code and language"),
            ("/run_code", [sense, {"language": "python"}], "application/json", 422, "[1]: missing field `code`"),
            ("/run_code", {}, "text/plain", 415, "it came as text/plain"),
            ("/nothing", {}, "application/json", 404, "programs go to /run_code"),
            ("/v1/envs/none/verify", {}, "application/json", 404, "countdown"),
            ("/v1/envs/countdown/judge", {}, "application/json", 404, "verify"),
            ("/v1/envs/countdown/verify", {"task": "x", "completion": ""}, "application/json", 422, 'task: invalid type: string "x", expected a task'),
            ("/v1/envs/codegen/validate", {"kind": "function", "completion": ""}, "application/json", 422, "not proposed"),
            ("/v1/envs/codegen/prompt", {"role": "propose", "kind": "function"}, "application/json", 422, "not proposed"),
            ("/v1/ping", {}, "application/json", 405, "GET only"),
        ):  # fmt: skip
            with self.subTest(path=path, body=body):
                status, _, answer = post(path, body, {"Content-Type": kind})
                self.assertEqual(status, wanted, answer)
                self.assertIn(words, answer["detail"])
        self.assertEqual(post("/run_code", sense, {"Content-Type": "Application/JSON; charset=utf-8"})[0], 200)

    def test_a_refusal_arrives_at_who_sends_everything_first(self):
        for path, length, kind, wanted in (
            ("/run_code", 65 << 20, "application/json", 413), ("/run_code", 8 << 20, "text/plain", 415), ("/", 8 << 20, "text/plain", 404),
        ):  # fmt: skip
            with self.subTest(path=path, length=length):
                status, _, answer = post(path, b" " * length, {"Content-Type": kind})
                self.assertEqual(status, wanted, answer)

    def test_batches_keep_their_order(self):
        items = [{"code": f"print({n})", "language": "python"} for n in range(40)]
        items[7]["language"] = "cobol"
        status, _, answers = post("/run_code", items)
        self.assertEqual(status, 200)
        self.assertEqual(answers[7]["fault"], False)
        printed = [answer["run_result"]["stdout"] for n, answer in enumerate(answers) if n != 7]
        self.assertEqual(printed, [f"{n}\n" for n in range(40) if n != 7])

    def test_512_requests_at_once_over_as_many_connections(self):
        def one(n):
            connection = http.client.HTTPConnection(urllib.parse.urlsplit(URL).netloc)
            body = json.dumps({"code": f"print({n} ** 2)", "language": "python"})
            connection.request("POST", "/run_code", body, {"Content-Type": "application/json"})
            response = connection.getresponse()
            answer = json.load(response)
            connection.close()
            return response.status, answer["run_result"]["stdout"]

        with concurrent.futures.ThreadPoolExecutor(512) as threads:
            answers = list(threads.map(one, range(512)))
        self.assertEqual(answers, [(200, f"{n * n}\n") for n in range(512)])


class Judging(unittest.TestCase):
    def test_a_generated_task_goes_round(self):
        call = "/v1/envs/countdown/"
        status, _, generated = post(call + "generate", {"kind": "countdown", "seed": 3, "count": 2})
        self.assertEqual(status, 200, generated)
        task = generated["tasks"][0]
        self.assertEqual(post(call + "generate", {"kind": "countdown", "seed": 3, "first": 1, "count": 1})[2]["tasks"], generated["tasks"][1:])
        _, _, prompt = post(call + "prompt", {"role": "solve", "task": task})
        self.assertIn("user", [message["speaker"] for message in prompt["messages"]])
        status, _, judged = post(call + "verify?ledger=true", [{"task": task, "completion": "no"}] * 2)
        self.assertEqual([answer["verdict"]["score"] for answer in judged], [0, 0])
        environments = json.loads(get("/v1/envs"))["environments"]
        digests = {environment["name"]: environment["digest"] for environment in environments}
        self.assertEqual(judged[0]["judged_by"]["digest"], digests["countdown"])
        self.assertNotIn("runs", judged[0]["row"])
        self.assertEqual(judged[0]["row"]["task"], task["id"])

    def test_problems_are_imported_and_judged(self):
        line = {"task_id": "T/1", "prompt": "def double(x):\n", "entry_point": "double", "canonical_solution": "    return 2 * x\n", "base_input": [[1], [4], [3 ** 70]], "plus_input": [[-3]], "atol": 0}
        status, _, imported = post("/v1/envs/codegen/import", [{"line": line}, {"line": json.dumps(line)}, {"line": {}}])
        self.assertEqual(status, 200, imported)
        self.assertEqual(imported[0], imported[1])
        self.assertIn("rejection", imported[2])
        task = imported[0]["task"]
        right, wrong = ("```python\ndef double(x):\n    return x %s\n```" % how for how in ("+ x", "** 2"))
        _, _, judged = post("/v1/envs/codegen/verify?ledger=true", [{"task": task, "completion": text} for text in (right, wrong)])
        self.assertEqual([answer["verdict"]["score"] for answer in judged], [1, 0])
        row = judged[0]["row"]
        self.assertEqual(row["conclusion"]["verdict"], judged[0]["verdict"])
        self.assertEqual(sum(run["fuel"] for run in row["runs"]), judged[0]["fuel"])
        self.assertEqual((row["task"], row["completion_digest"]), (task["id"], hashlib.sha256(row["completion"].encode()).hexdigest()))
        self.assertNotEqual(row["plan"], judged[1]["row"]["plan"])
        again = post("/v1/envs/codegen/verify?ledger=true", {"task": task, "completion": right})[2]
        self.assertEqual(again, judged[0])
        self.assertNotIn("row", post("/v1/envs/codegen/verify", {"task": task, "completion": right})[2])
        # A completion that breaks the judge is wrong; a task that does is a fault.
        status, _, broken = post("/v1/envs/codegen/verify", {"task": task, "completion": right.replace("\n```", "\n" + "#" * (3 << 19) + "\n```")})
        self.assertEqual((status, broken["verdict"]["score"]), (200, 0))


class Operation(unittest.TestCase):
    def test_the_document_names_every_route(self):
        document = json.loads(get("/openapi.json"))
        for path, methods in document["paths"].items():
            for method in methods:
                # A route that is there refuses this for its content, and one that is not with 404.
                status = post(path.replace("{name}", "countdown"), b"{}")[0]
                self.assertEqual(status, {"post": 422, "get": 405}[method], path)
        wanted = set()

        def references(part):
            if isinstance(part, dict):
                wanted.update([part["$ref"]] if "$ref" in part else [])
                part = list(part.values())
            for inner in part if isinstance(part, list) else ():
                references(inner)

        references(document)
        for reference in wanted:
            part = document
            for key in reference.removeprefix("#/").split("/"):
                part = part[key]

    def test_metrics_count(self):
        def value(sample):
            lines = [line.rpartition(" ") for line in get("/metrics").splitlines() if not line.startswith("#")]
            return next((float(number) for name, _, number in lines if name == sample), 0)

        sample = 'azr_requests_total{route="/run_code",status="200"}'
        before = value(sample), value("azr_items_total"), value("azr_fuel_total")
        run_code("x = 1")
        after = value(sample), value("azr_items_total"), value("azr_fuel_total")
        self.assertEqual((after[0] - before[0], after[1] - before[1]), (1, 1))
        self.assertGreater(after[2], before[2])
        self.assertEqual(get("/healthz"), "ok\n")
        with urllib.request.urlopen(urllib.request.Request(URL + "/healthz", method="HEAD")) as response:
            self.assertEqual((response.status, response.read()), (200, b""))


class Client(unittest.TestCase):
    """That of the Python package."""

    def test_it_says_at_once_what_will_never_work(self):
        client = azr_env.Client(URL)
        for what, call in {
            "cannot be written as JSON": lambda: client.run_code("'\ud800'"),
            "bytes": lambda: client.run_code(b"x"),
            "not JSON compliant": lambda: client.run_code("x", run_timeout=float("nan")),
            "expected an object with task": lambda: client.verify("countdown", "text"),
            "the limit is": lambda: client.run_code("#" * (65 << 20)),
            "no secure connection": lambda: azr_env.Client(URL.replace("http:", "https:")).run_code("x = 1"),
        }.items():
            with self.subTest(what), self.assertRaisesRegex(azr_env.Invalid, what):
                call()
        for url, token in (("127.0.0.1:8080", None), ("localhost", None), ("http://", None), (URL, "with an end\n")):
            with self.subTest(url=url, token=token), self.assertRaises(ValueError):
                azr_env.Client(url, token)

    def test_it_names_the_server_that_does_not_answer(self):
        with self.assertRaisesRegex(azr_env.Fault, "no answer from http://127.0.0.1:1: ConnectionRefusedError.*asked again for 0 s"):
            azr_env.Client("http://user:secret@127.0.0.1:1", patience_s=0).run_code("x = 1")

    def test_it_says_why_a_server_does_not_start(self):
        said = io.StringIO()
        with azr_env.Server(["missing.wasm"]) as server, contextlib.redirect_stderr(said), self.assertRaisesRegex(RuntimeError, "status 1:\n.*missing.wasm"):
            print(server.url)
        self.assertIn("missing.wasm", said.getvalue())

    def test_the_address_may_be_the_one_for_sandboxfusion(self):
        for url in (URL + "/", URL + "/run_code"):
            self.assertEqual(azr_env.Client(url).run_code("print(open('a').read(), end='')", files={"a": "é"}, fetch_files="a").files, {"a": "é".encode()})
        with self.assertRaisesRegex(azr_env.Invalid, "404: there is nothing at /behind/run_code"):
            azr_env.Client(URL + "/behind/").run_code("x = 1")


if __name__ == "__main__":
    unittest.main(verbosity=0)
