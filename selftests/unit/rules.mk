# SPDX-License-Identifier: GPL-2.0-only
# One suite is one program: PROGRAM from OBJS, where room-%.o come from the room's SOURCES.

.PHONY: all check clean
all: $(BUILD)/$(PROGRAM)

check: all
	@$(BUILD)/$(PROGRAM)

$(BUILD)/$(PROGRAM): $(OBJS)
	$(CC) $(SAN) -o $@ $^

$(BUILD)/room-%.o: $(SOURCES)/%.c $(HEADERS) | $(BUILD)
	$(CC) $(CFLAGS) -c -o $@ $<

$(BUILD)/%.o: %.c $(HEADERS) | $(BUILD)
	$(CC) $(CFLAGS) -c -o $@ $<

$(BUILD):
	mkdir -p $@

clean:
	rm -rf $(BUILD)
