# Two commands do everything on a fresh machine with Rust, Python 3, a C++ compiler and make:
#   make demo    set up, build, and train the embedded policy until it has visibly learned
#   make test    set up, build, and run every test
#   make soak    the long campaigns: kills, load, thousands of steps
# Both are incremental. After either, plain cargo commands work.

TORCH := 2.11.0
COMPONENTIZE_PY := 0.25.1

HOST := target/debug/azr-host
GUESTS := target/guests
GUEST_BUILD := target/wasm32-unknown-unknown/guest
LIBTORCH := .libtorch/torch-$(TORCH)
COMPONENTIZER := .tools/componentize-py-$(COMPONENTIZE_PY)
PIP := python3 -m pip install --quiet --disable-pip-version-check --root-user-action=ignore --no-compile

.PHONY: demo test soak bench lint setup host guests clean
.DELETE_ON_ERROR:

# The experiment goes into the next free experiments/python-NNNN.
demo: host envs/python.wasm
	$(HOST) --env envs/python.wasm
	$(HOST) report $$(ls -d experiments/python-* | tail -n 1)

test: host envs/python.wasm guests
	python3 -B -m unittest discover --quiet --start-directory envs/python/executor
	cargo test --workspace --lib --bins
	cargo test --workspace --doc
	cargo test --workspace --test integration

# The long campaigns; each prints its result. BENCHMARKS.md has those of the last time.
soak: host envs/python.wasm
	python3 tests/soak/kills.py
	python3 tests/soak/determinism.py
	python3 tests/soak/flat.py

bench: host envs/python.wasm
	$(HOST) bench sandbox envs/python.wasm
	$(HOST) bench policy

lint: setup
	cargo fmt --all --check
	cargo clippy --workspace --all-targets -- -D warnings

setup: $(LIBTORCH) $(COMPONENTIZER) target/wasm-target

# Libtorch is part of the PyTorch wheel; it is linked against the two CUDA packages, on machines without a GPU too.
$(LIBTORCH):
	rm -rf .libtorch
	$(PIP) --no-deps --target .libtorch torch==$(TORCH) nvidia-cuda-runtime==13.0.96 nvidia-cuda-cupti==13.0.85
	touch $@

# The published wheel: building componentize-py itself would need a whole toolchain for C.
$(COMPONENTIZER):
	rm -rf .tools
	$(PIP) --target .tools/componentize-py componentize-py==$(COMPONENTIZE_PY)
	touch $@

target/wasm-target:
	rustup target add wasm32-unknown-unknown
	mkdir -p target && touch $@

# Cargo knows best what is up to date, so these two always ask it.
host: setup
	cargo build

guests: setup
	cargo build --profile guest --target wasm32-unknown-unknown --package python-judge --package azr-test-judge \
	  --package azr-test-executor

# Two executors that differ in their hash seed only: the judge uses them to catch programs whose result depends on it.
# componentize-py imports the application, warms it up and takes the snapshot.
EXECUTORS := $(GUESTS)/python-executor-0.wasm $(GUESTS)/python-executor-1.wasm

$(GUESTS)/python-executor-%.wasm: $(wildcard envs/python/executor/*.py) wit/env.wit $(GUESTS)/seed_shim.so $(COMPONENTIZER)
	AZR_EXECUTOR_SEED=$* LD_PRELOAD=$(CURDIR)/$(GUESTS)/seed_shim.so PYTHONDONTWRITEBYTECODE=1 \
	  PYTHONPATH=.tools/componentize-py .tools/componentize-py/bin/componentize-py --quiet -d wit -w executor \
	  componentize --stub-wasi -p envs/python/executor -o $@ app

$(GUESTS)/seed_shim.so: envs/python/executor/seed_shim.c
	mkdir -p $(GUESTS)
	cc -O1 -shared -fPIC -o $@ $<

# The judge's file changes only when cargo built another one.
$(GUEST_BUILD)/python_judge.wasm: guests
	@:

envs/python.wasm: $(GUEST_BUILD)/python_judge.wasm $(EXECUTORS) | host
	$(HOST) env pack --judge $< $(addprefix --executor ,$(EXECUTORS)) --out $@

clean:
	rm -rf target .libtorch .tools envs/*.wasm
