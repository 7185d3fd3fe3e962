"""veRL's own reward for programs, unchanged, with our server in the place of SandboxFusion.

    pip install azr-env verl
    python verl_reward.py

In a run of veRL the address is all that differs: `reward_model.sandbox_fusion.url=http://host:8080/run_code`. veRL asks
again after a 504 only, so start the server with a queue as long as all of veRL's requests at once. It gives up ten seconds
after twice the time of a test has passed, on whatever machine, and an endless program takes about three times as long as
natively: `--run-timeout-max` keeps those from holding up the others.
"""

import azr_env
from verl.utils.reward_score.sandbox_fusion import compute_score

RIGHT = "```python\nn = int(input())\nprint(sum(int(input()) for _ in range(n)))\n```"
WRONG = "```python\nn = int(input())\nprint(n)\n```"
ENDLESS = "```python\nwhile True: pass\n```"
METHOD = "```python\nclass Solution:\n    def double(self, x):\n        return 2 * x\n```"

SUMS = {"inputs": ["2\n3\n4\n", "1\n7\n"], "outputs": ["7\n", "7\n"]}
DOUBLES = {"fn_name": "double", "inputs": ["4", "-1"], "outputs": ["8", "-2"]}


def main():
    with azr_env.Server() as server:
        score = lambda answer, tests: compute_score(f"{server.url}/run_code", None, 1024, answer, tests, timeout=0.25)  # noqa: E731
        for name, answer, tests in (
            ("right", RIGHT, SUMS), ("wrong", WRONG, SUMS), ("endless", ENDLESS, SUMS), ("method", METHOD, DOUBLES),
        ):  # fmt: skip
            reward, cases = score(answer, tests)
            print(f"{name:8} {reward:.2f} {[case['status'] for case in cases]}")


if __name__ == "__main__":
    main()
