# Everything that is done with this repository, by name.

PYTHON ?= python3
VENV := .venv/bin
SIDE_BY_SIDE = --numprocesses auto
# Exit code 1: tests failed. Those run again, without others that take the processors from them: a fault fails twice.
BY_THEMSELVES = { [ $$? -eq 1 ] && echo "Once more, by themselves, those that failed beside others:" && \
	$(VENV)/python -m pytest --last-failed --last-failed-no-failures none --maxfail 10; }
export PATH := $(CURDIR)/.venv/bin:$(PATH)

.DEFAULT_GOAL := help
.PHONY: help alone up run demo test e2e conformance faults chaos compatibility soak bench bench-page
.PHONY: profile simulation security lint format lock sbom clean

help: ## Say what can be made
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-18s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

# As Compose tells it, for the ports may stand in .env; in the form that a browser takes. Several proxies have none.
address = http://$$(for door in $(1) 'frontend 8080'; do docker compose port $$door 2>&1; done | grep -m 1 ':[1-9]' | \
	sed -E 's/^(127\.0\.0\.1|0\.0\.0\.0|::|\[::\]):/localhost:/; s/^([^][]*:[^][]*):/[\1]:/')

# Compose knows a stack by its name alone, so that up would replace what another checkout runs under the same one.
alone:
	@name=$$(docker compose config 2>/dev/null | sed -n 's/^name: //p'); \
	docker ps --filter "label=com.docker.compose.project=$$name" \
		--format '{{.Label "com.docker.compose.project.working_dir"}}' | sort -u | while read -r folder; do \
		if [ -d "$$folder" ] && [ "$$(cd "$$folder" && pwd -P)" != "$$(pwd -P)" ]; then \
			echo "$$folder runs under the name $$name already and would be replaced. Stop it with docker compose down there;" \
				"what it has in its queue is kept and goes on here. Or run this one beside it:" \
				"COMPOSE_PROJECT_NAME=second PROXY_PORT=8001 FRONTEND_PORT=8081 make up"; \
			exit 1; \
		fi; \
	done

up: alone ## Run everything in containers: docker compose up, in the background
	@echo "Building and starting; the first time this takes a few minutes. Waiting until every container is healthy ..."
	@docker compose up --detach --build --wait
	@echo "Page: $(call address,'frontend 8080')   API: $(call address,'proxy 8000')   Stop: docker compose down"

run: ## Run proxy and worker here, with the Ollama at OLLAMA_URLS (no Docker)
	@$(PYTHON) local/environment.py run
	@$(VENV)/python -m local.start run

demo: ## Try everything with made-up answers: no model, no Docker
	@$(PYTHON) local/environment.py run
	@$(VENV)/python -m local.start demo

test: ## Set up what the tests need and run every test that this machine can run
	@$(PYTHON) local/environment.py test
	@$(VENV)/python -m local.clients
	@$(VENV)/python -m pytest $(SIDE_BY_SIDE) || $(BY_THEMSELVES)

e2e: ## Run the tests of the whole product alone, on plain processes and in containers
	@$(PYTHON) local/environment.py test
	@$(VENV)/python -m pytest $(SIDE_BY_SIDE) tests/e2e || $(BY_THEMSELVES)

conformance: ## Ask for all that /openapi.json describes, and for what it forbids: EXAMPLES=1000 of each
	@$(PYTHON) local/environment.py test
	@EXAMPLES=$(or $(EXAMPLES),1000) $(VENV)/python -m pytest -s --timeout 7200 services/proxy/tests/test_conformance.py

faults: ## Let a prompt meet every fault of Ollama's, and write docs/faults.md
	@$(PYTHON) local/environment.py test
	@PYTHONPATH=tests:ollama $(VENV)/python tests/e2e/faults.py

chaos: ## Kill parts while clients use it, and look for what got lost: SECONDS=60 SEED=… ENGINE=postgres OWNERS=1 COMPOSE=1
	@$(PYTHON) local/environment.py test
	@PYTHONPATH=tests:ollama $(VENV)/python -m chaos --seconds $(or $(SECONDS),60) $(addprefix --seed ,$(SEED)) \
		$(addprefix --engine ,$(ENGINE)) $(if $(COMPOSE),--compose) $(if $(OWNERS),--owners)

compatibility: ## Let every client ask all there is to ask, and write docs/compatibility.md
	@$(PYTHON) local/environment.py test
	@$(VENV)/python -m local.clients agents
	@PYTHONPATH=tests:ollama $(VENV)/python -m compatibility
	@$(VENV)/python -m pytest tests/agents

soak: ## Keep the product busy for twenty minutes and see whether memory, files or journal grow: SECONDS=1200
	@$(PYTHON) local/environment.py test
	@PYTHONPATH=tests:ollama $(VENV)/python -m chaos.soak --seconds $(or $(SECONDS),1200)

bench: ## Measure what is promised in numbers, beside others: make bench ROWS=submit,gap QUICK=1
	@$(PYTHON) local/environment.py bench
	@$(VENV)/python -m bench $(if $(ROWS),--rows $(ROWS)) $(if $(QUICK),--quick)

simulation: ## Work out how many prompts a queue carries, and write docs/scaling.md: MEASURE=1 CYCLES=1 measure anew
	@$(PYTHON) local/environment.py bench
	@$(VENV)/python -m simulation $(if $(MEASURE),--measure) $(if $(CYCLES),--cycles)

profile: ## Measure where the time of a submission, a status and an answer goes
	@$(PYTHON) local/environment.py bench
	@$(VENV)/python -m bench.profile

bench-page: ## Measure the page: size, main thread, memory, Lighthouse, each beside its goal
	@$(PYTHON) local/environment.py test
	@npm ci --prefix services/frontend/lint --no-audit --no-fund --loglevel=error
	@$(VENV)/python -m bench.page

# What docs/security.md names holds what it says, so that nothing is run here of which it says nothing.
security: ## Run every test that docs/security.md names, with more examples, longer floods, and 10,000 tries by the clock
	@$(PYTHON) local/environment.py test
	@EXAMPLES=$(or $(EXAMPLES),1000) TRIES=$(or $(TRIES),10000) ROUNDS=$(or $(ROUNDS),30) $(VENV)/python -m pytest --timeout 7200 \
		$$(grep -oE '`(services|tests)/([a-z_]+/)*test_[a-z_]+\.py`' docs/security.md | tr -d '`' | sort -u)

lint: ## Check style, types, imports and the page
	@$(PYTHON) local/environment.py test
	@$(VENV)/python local/lint.py

format: ## Format the Python code
	@$(PYTHON) local/environment.py test
	@$(VENV)/ruff format .
	@$(VENV)/ruff check --fix .

lock: ## Pin requirements/*.in again, with hashes
	@$(PYTHON) local/environment.py test
	@for name in build local proxy worker postgres dev bench peers compatibility; do \
		$(VENV)/uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes --no-header \
			--no-annotate requirements/$$name.in -o requirements/$$name.txt || exit 1; \
	done

sbom: ## Write what each image is made of into sbom/: a software bill of materials for each, as CycloneDX
	@$(PYTHON) local/environment.py test
	@$(VENV)/python -m local.sbom

clean: ## Remove the virtual environment and what tests left, but no data
	@rm -rf .venv .pytest_cache .mypy_cache .ruff_cache .hypothesis services/frontend/lint/node_modules \
		tests/compatibility/node/node_modules tests/agents/node_modules
