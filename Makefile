# SPDX-License-Identifier: BSD-2-Clause
# A thin front for Meson. `make run` shows Control Room at work, `make test` checks it.
PREFIX ?= /usr/local
M = build/gcc

.PHONY: all run test test-long coverage lab bench lint install clean
all:
	@script/setup build
	@script/build $(M)
	@echo "built: build/bin has the programs, build/lib the libraries; make run shows them at work"

run:
	@script/setup build run
	@script/build $(M)
	@build/bin/croomtap demo

test:
	@script/setup build run test
	@script/test

test-long:
	@script/setup build run test cover
	@script/test long

# Which lines the unit tests of library, journal and control run.
coverage:
	@script/setup build cover
	@script/coverage --lines

# A peer that cannot be installed is skipped by name. LAB may hold options: make lab LAB=--quick
lab:
	@script/setup build run
	@script/setup lab || echo "lab: going on without what is missing; it is named in the results"
	@LOOK_AGAIN=1 script/build $(M)
	@build/bin/croomlab run --json build/lab.json $(LAB)

# The part of the lab that says what a call costs, with no trial in the slot and with one.
bench:
	@$(MAKE) --no-print-directory lab LAB="$(LAB) call"

lint:
	@script/setup build test
	@script/lint

# The default counts, too: the tree may have been set up for another prefix before.
install: export PREFIX := $(PREFIX)
install: all
	@meson install -C $(M) --no-rebuild $(if $(DESTDIR),--destdir $(abspath $(DESTDIR)))
	@# So that programs find libcroom.so; without root, or with DESTDIR, that is for somebody else.
	@[ -n "$(DESTDIR)" ] || [ "$$(id -u)" != 0 ] || ldconfig

clean:
	rm -rf build
