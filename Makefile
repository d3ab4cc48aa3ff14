# The commands of everyday work. Plain cargo does the same where a GPU driver is installed.

.PHONY: help demo test lint bench app package

help: ## Show this list
	@grep -E '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /\1\t/' | expand -t 8

demo: ## Train on the pictures that come with the program, about eight minutes wherever it runs
	tools/ensure-adapter.sh
	cargo run --release -- train --preset demo --for 8m

test: ## Run all tests
	tools/ensure-adapter.sh
	cargo test --release --workspace --no-fail-fast $$(tools/ensure-mpi.sh)

lint: ## Check the format, the lints and the documentation
	cargo fmt --all --check
	cargo clippy --workspace --all-targets $$(tools/ensure-mpi.sh) -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps

bench: ## Run the benchmarks
	tools/ensure-adapter.sh
	cargo bench

app: ## Open the desktop window
	tools/ensure-adapter.sh
	cargo run --release -p swav-app

package: ## Build the packages that this system can
	packaging/package.sh
