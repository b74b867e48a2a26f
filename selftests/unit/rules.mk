# SPDX-License-Identifier: GPL-2.0-only
# A suite is some PROGRAMS; the variable of a program's name lists its sources without ".c", those
# of the module as src/ROOM/NAME.  INCLUDE goes before the stand-ins; OPTIMIZE and RELAX may differ.

TOP	:= ../../..
BUILD	?= $(TOP)/build/unit/$(notdir $(CURDIR))
OPTIMIZE ?= -O1
RELAX	?= -Wno-unused-parameter -Wno-sign-compare
SAN	:= -fsanitize=address,undefined -fno-sanitize-recover=all
CFLAGS	:= -std=gnu11 $(OPTIMIZE) -g -Wall -Wextra $(RELAX) -fno-strict-aliasing $(SAN) \
	   $(INCLUDE) -I../shim -I$(TOP)/include -include linux/compiler.h

.PHONY: all check clean
all: $(PROGRAMS:%=$(BUILD)/%)

check: all
	@for program in $(PROGRAMS); do $(BUILD)/$$program || exit; done

define link
$$(BUILD)/$(1): $$($(1):%=$$(BUILD)/%.o)
	$$(CC) $$(SAN) -o $$@ $$^
endef
$(foreach program,$(PROGRAMS),$(eval $(call link,$(program))))

$(BUILD)/src/%.o: $(TOP)/src/%.c
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) -MMD -MP -c -o $@ $<

$(BUILD)/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) -MMD -MP -c -o $@ $<

-include $(wildcard $(BUILD)/*.d $(BUILD)/src/*/*.d)

clean:
	rm -rf $(BUILD)
