# Builds envs/python.wasm. Included by the Makefile at the top.
#
# Two executors are packed. They differ in their hash seed only, which the judge uses to catch programs whose result
# depends on it.

PYTHON_EXECUTOR = envs/python/executor
PYTHON_EXECUTORS = target/guests/python-executor-0.wasm target/guests/python-executor-1.wasm
PYTHON_JUDGE = target/guests/python-judge.wasm

envs/python.wasm: $(PYTHON_JUDGE) $(PYTHON_EXECUTORS) | host
	$(HOST) env pack --judge $(PYTHON_JUDGE) $(addprefix --executor ,$(PYTHON_EXECUTORS)) --out $@

# Cargo knows best whether the judge is up to date; the copy keeps its time when nothing changed.
.PHONY: python-judge
python-judge: target/.wasm-target
	cargo build --quiet --package python-judge --profile guest --target wasm32-unknown-unknown

$(PYTHON_JUDGE): python-judge
	@mkdir -p $(@D)
	@cmp --silent target/wasm32-unknown-unknown/guest/python_judge.wasm $@ \
	  || cp target/wasm32-unknown-unknown/guest/python_judge.wasm $@

# The number in the name is the seed. componentize-py imports the application, which warms itself up, and takes the
# snapshot.
target/guests/python-executor-%.wasm: $(filter-out %/test_values.py,$(wildcard $(PYTHON_EXECUTOR)/*.py)) \
    wit/env.wit target/guests/seed_shim.so .tools/.componentize-py-$(COMPONENTIZE_PY)
	AZR_EXECUTOR_SEED=$* LD_PRELOAD=$(CURDIR)/target/guests/seed_shim.so PYTHONDONTWRITEBYTECODE=1 \
	  PYTHONPATH=.tools/componentize-py .tools/componentize-py/bin/componentize-py \
	  --quiet -d wit -w executor componentize --stub-wasi -p $(PYTHON_EXECUTOR) -o $@ app

target/guests/seed_shim.so: $(PYTHON_EXECUTOR)/seed_shim.c
	@mkdir -p $(@D)
	cc -O1 -shared -fPIC -o $@ $<

# The executor's own tests, with whatever Python 3 is installed.
.PHONY: python-executor-test
python-executor-test:
	PYTHONDONTWRITEBYTECODE=1 python3 -m unittest discover --quiet --start-directory $(PYTHON_EXECUTOR)
