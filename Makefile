# Everything here works as the first command in a fresh clone: a server is downloaded into .pg/ where none is installed.
MAJORS ?= 14 15 16 17 18
CARGO ?= cargo
# What the tests need beside the default features.
TESTED = --features tokio,tracing

.PHONY: help build demo test test-all check bench bench-smoke clean

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/make \1@\2/p' $(MAKEFILE_LIST) | awk -F@ '{printf "%-15s %s\n", $$1, $$2}'

build: ## the binary, optimised, in target/release/pgstrata
	$(CARGO) build --release

demo: ## the whole story on a throw-away server
	@PGSTRATA_PG_BIN=$$(tests/get-postgres) && export PGSTRATA_PG_BIN && $(CARGO) run -q -- demo

test: ## all tests, on one server: PGSTRATA_PG_BIN, an installed one, or a downloaded one
	@PGSTRATA_PG_BIN=$$(tests/get-postgres) && export PGSTRATA_PG_BIN && $(CARGO) test $(TESTED)

# The binary of the server tests is built once; only the server differs.
test-all: ## the server tests on each major version in MAJORS
	@tests/get-postgres $(MAJORS) >/dev/null
	@$(CARGO) test $(TESTED) --no-run --test it --test client
	@mkdir -p target/test-all; failed=; \
	for major in $(MAJORS); do \
		log=target/test-all/$$major.log; \
		if PGSTRATA_PG_BIN=$(CURDIR)/.pg/$$major/bin $(CARGO) test $(TESTED) -q --test it --test client >$$log 2>&1; \
		then echo "PostgreSQL $$major: passed"; grep '^test result' $$log; \
		else echo "PostgreSQL $$major: FAILED, $$log"; tail -n 100 $$log; failed="$$failed $$major"; fi; \
	done; \
	[ -z "$$failed" ] || { echo "failed on PostgreSQL$$failed"; exit 1; }

check: ## formatting, lints, documentation, generated files
	@$(CARGO) fmt --version >/dev/null 2>&1 || { echo "rustfmt is missing: rustup component add rustfmt"; exit 1; }
	@$(CARGO) clippy --version >/dev/null 2>&1 || { echo "clippy is missing: rustup component add clippy"; exit 1; }
	$(CARGO) fmt --all --check
	$(CARGO) clippy --all-targets -- -D warnings
	$(CARGO) clippy --benches --features testing -- -D warnings
	$(CARGO) clippy --lib --no-default-features -- -D warnings
	$(CARGO) clippy --lib --no-default-features --features planner -- -D warnings
	$(CARGO) clippy --all-targets --no-default-features --features sandbox -- -D warnings
	$(CARGO) clippy --lib --no-default-features --features client -- -D warnings
	$(CARGO) clippy --all-targets --no-default-features --features client,sandbox -- -D warnings
	$(CARGO) clippy --all-targets --no-default-features --features tokio,sandbox -- -D warnings
	$(CARGO) clippy --all-targets --no-default-features --features tracing,sandbox -- -D warnings
	RUSTDOCFLAGS='-D warnings' $(CARGO) doc --no-deps $(TESTED)
	@$(CARGO) run -q -- schema policy | diff policies/policy.schema.json - \
		|| { echo "policies/policy.schema.json is out of date: cargo run -q -- schema policy > policies/policy.schema.json"; exit 1; }
	@$(CARGO) run -q -- reference | diff src/cli/COMMANDS.md - \
		|| { echo "src/cli/COMMANDS.md is out of date: cargo run -q -- reference > src/cli/COMMANDS.md"; exit 1; }

# The peers are a package of their own, which nothing else builds.
bench: ## ratios against baselines in the same run, some ten minutes; PGSTRATA_BENCH_ROWS (10 million)
	@PGSTRATA_PG_BIN=$$(tests/get-postgres) && export PGSTRATA_PG_BIN \
	&& $(CARGO) bench --features testing --bench plan --bench client \
	&& $(CARGO) run --release --locked --manifest-path benches/peers/Cargo.toml --target-dir target/peers

bench-smoke: ## the same on little data, to see that it runs: its figures mean nothing
	@PGSTRATA_BENCH_SMOKE=1 PGSTRATA_BENCH_PARTITIONS=100 $(MAKE) --no-print-directory bench

clean: ## removes target/ and the downloaded servers
	$(CARGO) clean
	rm -rf .pg
