"""An OpenEnv server: an episode is one problem, its only step the program, its reward the verdict.

    pip install azr-env openenv-core uvicorn
    python openenv_server.py           # serves on port 8000
"""

import random
import uuid

import azr_env
import problems
from openenv.core.env_server.http_server import create_fastapi_app
from openenv.core.env_server.interfaces import Environment
from openenv.core.env_server.types import Action, Observation, State


class ProgramAction(Action):
    completion: str


class ProgramObservation(Observation):
    question: str = ""
    reason: str = ""


class ProgramEnvironment(Environment[ProgramAction, ProgramObservation, State]):
    SUPPORTS_CONCURRENT_SESSIONS = True

    def __init__(self, client: azr_env.Client, rows: list[dict]) -> None:
        super().__init__()
        self._client, self._rows = client, rows
        self._row, self._state = rows[0], State()

    def reset(self, seed: int | None = None, episode_id: str | None = None, **_) -> ProgramObservation:
        self._row = random.Random(seed).choice(self._rows)
        self._state = State(episode_id=episode_id or str(uuid.uuid4()), step_count=0)
        return ProgramObservation(question=self._row["question"])

    def step(self, action: ProgramAction, timeout_s: float | None = None, **_) -> ProgramObservation:
        item = {"task": self._row["task"], "completion": action.completion}
        # A fault of the sandbox raises, and OpenEnv answers EXECUTION_ERROR: it is no reward.
        verdict = self._client.verify(problems.ENVIRONMENT, [item])[0]["verdict"]
        self._state.step_count += 1
        return ProgramObservation(done=True, reward=verdict["score"], reason=verdict["reason"])

    @property
    def state(self) -> State:
        return self._state


def app(client: azr_env.Client, sessions_max: int = 64):
    rows = problems.load(client)
    return create_fastapi_app(
        lambda: ProgramEnvironment(client, rows), ProgramAction, ProgramObservation, max_concurrent_envs=sessions_max
    )


if __name__ == "__main__":
    import uvicorn

    with azr_env.Client() as shared:
        uvicorn.run(app(shared), port=8000)
