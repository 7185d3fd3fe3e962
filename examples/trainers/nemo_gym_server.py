"""A resources server of NeMo-Gym: `/verify` judges the last message of a response in the sandbox.

    pip install azr-env nemo-gym
    python nemo_gym_server.py --tasks > rows.jsonl    # a data set, with what the judge needs

NeMo-Gym starts servers from folders, each in a virtual environment that uv makes for it; UV_FIND_LINKS=FOLDER lets uv find
a wheel that is in no registry. This one is `resources_servers/azr_env`, with this file, problems.py and problems.jsonl in
it and a requirements.txt that says `azr-env` (and `-e nemo-gym[dev] @ ../../` in a checkout of NeMo-Gym). Beside
resources_servers, with rows.jsonl and nemo_gym.yaml:

    gym eval run --config nemo_gym.yaml --model-type openai_model --split validation --output results/rollouts.jsonl \\
      --model-url http://HOST/v1 --model-api-key KEY --model NAME

That asks a model behind OpenAI's /v1/responses, judges its answers and prints `mean/reward`. NeMo-Gym 0.7 warns that the
agent will need an environment server one day, and prints the lines for it; 0.4 does not know them.

A verdict follows from the request alone, so stored rollouts can be judged again (0.7):

    gym eval reverify --config nemo_gym.yaml --model-type openai_model --inputs results/rollouts_materialized_inputs.jsonl \\
      --rollouts results/rollouts.jsonl --output results/again.jsonl +policy_base_url=… +policy_api_key=… +policy_model_name=…
"""

import json
import sys
from typing import Any, ClassVar

import azr_env
import problems
from fastapi import HTTPException
from nemo_gym.base_resources_server import (
    BaseResourcesServerConfig,
    BaseVerifyRequest,
    BaseVerifyResponse,
    SimpleResourcesServer,
)
from nemo_gym.config_types import AggregateMetrics, AggregateMetricsRequest
from nemo_gym.openai_utils import NeMoGymResponse
from pydantic import ConfigDict, PrivateAttr


class SandboxConfig(BaseResourcesServerConfig):
    # Newer ones than NeMo-Gym 0.4 ask for it at /reverify_mode.
    REVERIFY_MODE: ClassVar[str] = "stateless"
    #: Of `azr-env serve` elsewhere; without it the server starts one of its own.
    url: str | None = None


class SandboxVerifyRequest(BaseVerifyRequest):
    model_config = ConfigDict(extra="allow")
    verifier_metadata: dict[str, Any]


class SandboxVerifyResponse(BaseVerifyResponse):
    model_config = ConfigDict(extra="allow")


class SandboxServer(SimpleResourcesServer):
    config: SandboxConfig
    _client: azr_env.AsyncClient = PrivateAttr()

    def model_post_init(self, context: Any) -> None:
        super().model_post_init(context)
        self._client = azr_env.AsyncClient(self.config.url)

    async def verify(self, body: SandboxVerifyRequest) -> SandboxVerifyResponse:
        item = {"task": body.verifier_metadata["task"], "completion": last_text(body.response)}
        try:
            verdict = (await self._client.verify(problems.ENVIRONMENT, [item]))[0]["verdict"]
            judged = {"reward": verdict["score"], "reason": verdict["reason"]}
        except azr_env.Fault as fault:
            # Nothing is known about the policy. NeMo-Gym keeps the row apart from the scored ones and asks again; a
            # trainer that masks samples leaves it out.
            judged = {"reward": 0.0, "mask_sample": True, "_ng_failure_class": "sandbox_fault", "reason": str(fault)}
        except azr_env.Invalid as error:
            raise HTTPException(422, str(error)) from error
        return SandboxVerifyResponse(**body.model_dump(), **judged)

    async def aggregate_metrics(self, body: AggregateMetricsRequest) -> AggregateMetrics:
        # NeMo-Gym 0.4 keeps those rows out of its file of scored ones, but counts them here.
        known = [row for row in body.verify_responses if "_ng_failure_class" not in row]
        return await super().aggregate_metrics(body.model_copy(update={"verify_responses": known}))


def last_text(response: NeMoGymResponse) -> str:
    """What the model said last, without its reasoning and calls."""
    messages = [item for item in response.output if item.type == "message" and item.role == "assistant"]
    if not messages:
        return ""
    content = messages[-1].content
    return content if isinstance(content, str) else "".join(part.text for part in content if part.type == "output_text")


if __name__ == "__main__":
    if sys.argv[1:] == ["--tasks"]:
        with azr_env.Client() as client:
            for row in problems.load(client):
                user = [{"role": "user", "content": row["question"]}]
                print(json.dumps({"responses_create_params": {"input": user}, "verifier_metadata": {"task": row["task"]}}))
    else:
        SandboxServer.run_webserver()
