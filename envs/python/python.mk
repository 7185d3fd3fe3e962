# Builds envs/python.wasm: `make -f envs/python/python.mk` at the top of the repository, or included by its Makefile.
#
# Two executors are packed. They differ in their hash seed only, which the judge uses to catch programs whose result
# depends on it.

COMPONENTIZE_PY_VERSION := 0.25.1
COMPONENTIZE_PY := .tools/componentize-py/bin/componentize-py
PYTHON_EXECUTOR := envs/python/executor
PYTHON_EXECUTORS := target/guests/python-executor-0.wasm target/guests/python-executor-1.wasm
PYTHON_JUDGE := target/guests/python-judge.wasm
AZR_HOST ?= target/debug/azr-host

.PHONY: python-env
python-env: envs/python.wasm

envs/python.wasm: $(PYTHON_JUDGE) $(PYTHON_EXECUTORS) | $(AZR_HOST)
	$(AZR_HOST) env pack --judge $(PYTHON_JUDGE) $(addprefix --executor ,$(PYTHON_EXECUTORS)) --out $@

# cargo knows best whether the judge is up to date; the copy keeps its time when nothing changed.
.PHONY: python-judge-build
python-judge-build:
	rustup target add --toolchain stable wasm32-unknown-unknown >/dev/null 2>&1 || true
	cargo build --quiet --package python-judge --profile guest --target wasm32-unknown-unknown

$(PYTHON_JUDGE): python-judge-build
	@mkdir -p $(@D)
	@cmp --silent target/wasm32-unknown-unknown/guest/python_judge.wasm $@ \
	  || cp target/wasm32-unknown-unknown/guest/python_judge.wasm $@

# The number in the name is the seed. componentize-py imports the application, warms it up and takes the snapshot.
target/guests/python-executor-%.wasm: $(wildcard $(PYTHON_EXECUTOR)/*.py) wit/env.wit target/guests/seed_shim.so \
    .tools/componentize-py/installed-$(COMPONENTIZE_PY_VERSION)
	AZR_EXECUTOR_SEED=$* LD_PRELOAD=$(CURDIR)/target/guests/seed_shim.so PYTHONDONTWRITEBYTECODE=1 \
	  PYTHONPATH=.tools/componentize-py \
	  $(COMPONENTIZE_PY) --quiet -d wit -w executor componentize --stub-wasi -p $(PYTHON_EXECUTOR) -o $@ app

target/guests/seed_shim.so: $(PYTHON_EXECUTOR)/seed_shim.c
	@mkdir -p $(@D)
	cc -O1 -shared -fPIC -o $@ $<

# The published wheel: building componentize-py itself would need a whole toolchain for C.
.tools/componentize-py/installed-$(COMPONENTIZE_PY_VERSION):
	python3 -m pip install --quiet --disable-pip-version-check --no-compile --upgrade \
	  --target .tools/componentize-py componentize-py==$(COMPONENTIZE_PY_VERSION)
	@touch $@

target/debug/azr-host:
	cargo build --package azr-host
