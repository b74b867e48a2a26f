# SPDX-License-Identifier: GPL-2.0-only
#
# nvmx: build, test and install.  'make help' lists the targets.
#
# Each kernel is built in a tree of symlinks of its own below build/, so that builds do not meet.

headers = $(lastword $(shell ls -dv /usr/src/linux-headers-$(1)-amd64 2>/dev/null))

RUNNING := /lib/modules/$(shell uname -r)/build
KDIR ?= $(or $(wildcard $(RUNNING)),$(call headers,*))
# Not include/config/kernel.release, where Debian keeps the version of the source.
RELEASE = $(shell sed -n 's/.*UTS_RELEASE "\(.*\)"/\1/p' $(KDIR)/include/generated/utsrelease.h)
BUILD ?= build/$(RELEASE)

# The stock kernels that the testbed runs.
KERNELS := 6.1 6.12

TESTBED := tools/testbed

modules: deps-build
	@tools/build-module $(KDIR) $(BUILD)
	@echo 'built $(BUILD)/nvmx.ko'

all-kernels: $(KERNELS:%=module-%)

module-%: deps-build
	@tools/build-module $(call headers,$*.*-cloud) build/$*

install: modules
	$(MAKE) -C $(KDIR) M=$(CURDIR)/$(BUILD) INSTALL_MOD_PATH=$(DESTDIR) modules_install
	install -D -m 644 tools/udev/60-nvmx.rules $(DESTDIR)/usr/lib/udev/rules.d/60-nvmx.rules
	depmod $(DESTDIR:%=-b %) $(RELEASE)
	$(if $(DESTDIR),,-udevadm control --reload)

check: deps-build deps-testbed deps-lint deps-unit deps-bpf
	@$(TESTBED)/check

check-long: deps-build deps-testbed
	@$(TESTBED)/check --long --budget 36000

demo: all-kernels deps-testbed
	@$(TESTBED)/demo

bench: all-kernels deps-testbed
	@selftests/bench/run

lint: deps-build deps-lint
	@tools/lint/lint $(KERNELS)

unit: deps-unit
	@$(MAKE) -C selftests/unit check

docs: deps-build
	@tools/lint/kernel-doc

clean:
	rm -rf build
	@if [ -e selftests/unit/Makefile ]; then $(MAKE) -C selftests/unit clean; fi

deps-%:
	@$(TESTBED)/deps $*

help:
	@echo 'make              nvmx.ko for the running kernel, or for KDIR=; in build/RELEASE/'
	@echo 'make all-kernels  nvmx.ko for the testbed, $(KERNELS); in build/SERIES/'
	@echo 'make install      modules_install, udev rule, depmod'
	@echo 'make demo         Linux in QEMU in Linux in QEMU on nvmx, in Bochs'
	@echo 'make check        lint, unit tests, and the suites of selftests/suites in Bochs'
	@echo 'make check-long   the suites that take hours'
	@echo 'make unit         the unit tests alone'
	@echo 'make lint         W=1, sparse, checkpatch, include directions'
	@echo 'make bench        figures beside those of stock kvm-intel'
	@echo 'make docs         check the kernel-doc comments'
	@echo 'make clean        remove what was built'

.PHONY: modules all-kernels install check check-long demo bench lint unit docs clean help
