# Two commands do everything on a fresh machine with Rust, Python 3, a C++ compiler and make:
#   make demo    set up, build, and train the embedded policy until it has visibly learned
#   make test    set up, build, and run every test
# Both are incremental. After either, plain cargo commands work.

TORCH = 2.11.0
COMPONENTIZE_PY = 0.25.1
HOST = target/debug/azr-host
PIP = python3 -m pip install --quiet --disable-pip-version-check --root-user-action=ignore --no-compile

.PHONY: demo test bench setup host lint clean
.DELETE_ON_ERROR:

demo: envs/python.wasm
	$(HOST) --env envs/python.wasm --out experiments/demo-$$(date +%Y%m%d-%H%M%S)
	$(HOST) report $$(ls -d experiments/demo-* | tail -n 1)

test: envs/python.wasm target/guests/tests.stamp
	cargo test --workspace

bench: envs/python.wasm
	$(HOST) bench sandbox envs/python.wasm
	$(HOST) bench policy

setup: .libtorch/.torch-$(TORCH) .tools/.componentize-py-$(COMPONENTIZE_PY) target/.wasm-target

# Libtorch comes out of the PyTorch wheel; the two CUDA packages are the ones that it is linked against, on any machine.
.libtorch/.torch-$(TORCH):
	rm -rf .libtorch
	$(PIP) --no-deps --target .libtorch torch==$(TORCH) nvidia-cuda-runtime==13.0.96 nvidia-cuda-cupti==13.0.85
	touch $@

.tools/.componentize-py-$(COMPONENTIZE_PY):
	rm -rf .tools/componentize-py
	$(PIP) --target .tools/componentize-py componentize-py==$(COMPONENTIZE_PY)
	touch $@

target/.wasm-target:
	rustup target add wasm32-unknown-unknown
	mkdir -p target && touch $@

# Cargo knows better than make whether the host is up to date.
host: setup
	cargo build

include envs/python/build.mk
include tests/guests/build.mk

lint: setup
	cargo fmt --all --check
	cargo clippy --workspace --all-targets -- -D warnings

clean:
	rm -rf target .libtorch .tools envs/*.wasm
