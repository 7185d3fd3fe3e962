"""A resources server of NeMo-Gym: `/verify` judges the last message of a response in the sandbox.

It speaks NeMo-Gym's protocol by itself, with the standard library, so that it can run where NeMo-Gym is not installed:
`POST /seed_session`, `/close_session` and `/verify`, `GET /reverify_mode`; not `/aggregate_metrics`, for which
NeMo-Gym itself is needed. Verdicts follow from the request alone, so the mode is
"stateless": stored rollouts can be judged again.

    pip install azr-env
    python nemo_gym_server.py          # serves on port 8001

Rows of the data set carry the problem as the judge imported it in `verifier_metadata.task`; `--tasks` prints them.
"""

import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import azr_env
import problems


def last_text(response: dict) -> str:
    """The text of the last message of an object of OpenAI's Responses API."""
    messages = [item for item in response.get("output", ()) if item.get("type") == "message"]
    parts = messages[-1]["content"] if messages else ()
    return "".join(part.get("text", "") for part in parts if part.get("type") == "output_text")


def verify(client: azr_env.Client, request: dict) -> dict:
    item = {"task": request["verifier_metadata"]["task"], "completion": last_text(request["response"])}
    try:
        verdict = client.verify(problems.ENVIRONMENT, [item])[0]["verdict"]
    except azr_env.Fault as fault:
        # The sample is left out of the scores: nothing is known about the policy.
        return {**request, "reward": 0.0, "mask_sample": True, "failure_reason": str(fault)}
    return {**request, "reward": verdict["score"], "failure_reason": None, "mask_sample": False}


def server(client: azr_env.Client, port: int) -> ThreadingHTTPServer:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self):
            self._answer(*((200, "stateless") if self.path == "/reverify_mode" else (404, {"detail": "Not Found"})))

        def do_POST(self):
            body = json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))) or b"{}")
            if self.path in ("/seed_session", "/close_session"):
                # Nothing is kept, so there is nothing to seed.
                self._answer(200, {name: value for name, value in body.items() if name == "resources_session_id"})
            elif self.path == "/verify":
                try:
                    self._answer(200, verify(client, body))
                except (KeyError, azr_env.Invalid) as error:
                    self._answer(422, {"detail": repr(error)})
            else:
                self._answer(404, {"detail": "Not Found"})

        def _answer(self, status, body):
            content = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_):
            pass

    return ThreadingHTTPServer(("127.0.0.1", port), Handler)


if __name__ == "__main__":
    with azr_env.Client() as shared:
        if sys.argv[1:] == ["--tasks"]:
            for row in problems.load(shared):
                user = [{"role": "user", "content": row["question"]}]
                print(json.dumps({"responses_create_params": {"input": user}, "verifier_metadata": {"task": row["task"]}}))
        else:
            server(shared, 8001).serve_forever()
