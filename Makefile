# A short front to meson, which does the work: `make help` lists the targets.
BUILD ?= build
PREFIX ?= /usr/local
DEMO_SECONDS ?=
RINGS ?=
PYTHON := /usr/bin/python3
DEPENDENCIES := packaging/dependencies

all: ## build libreeve, reeved and the examples (in build/)
	@$(DEPENDENCIES) check build
	@test -e $(BUILD)/build.ninja || meson setup $(BUILD) --prefix=$(PREFIX)
	@ninja -C $(BUILD)

demo: ## install what is missing, build, and supervise a small real stack until Ctrl-C (DEMO_SECONDS=20: that long)
	@$(DEPENDENCIES) install build demo
	@$(MAKE) --no-print-directory all
	@examples/demo/run $(BUILD)/src/supervisor/main/reeved $(DEMO_SECONDS)

test: ## install what is missing, build, and run every test (RINGS="unit integration": those only)
	@$(DEPENDENCIES) install build demo test
	@$(PYTHON) tests/run $(RINGS)

bench: ## install what is missing, build, and measure reeve beside its peers, quickly
	@$(DEPENDENCIES) install build bench
	@$(MAKE) --no-print-directory all
	@$(MAKE) --no-print-directory -C bench table

install: all ## install under PREFIX (/usr/local), below DESTDIR if that is set
	@meson configure $(BUILD) --prefix=$(PREFIX)
	@meson install -C $(BUILD)

clean: ## remove what was built
	rm -rf build build-* bench/build

help: ## this list
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1\t\2/p' $(firstword $(MAKEFILE_LIST)) | expand -t 18

.PHONY: all demo test bench install clean help
