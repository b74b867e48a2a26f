/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The tests of the half of src/nested that runs L2.
 */
#ifndef UNIT_NESTED_BACK_H
#define UNIT_NESTED_BACK_H

#include <linux/kernel.h>
#include "../tap.h"
#include "hardware.h"

void test_route(void);
void test_merge(void);
void test_enter(void);
void test_exit(void);
void test_events(void);
void test_state(void);
void test_hostile(unsigned long count);
void test_smm(void);
void test_apicv(void);
void test_order(void);
void test_link(void);
void test_evmcs(void);
void test_evmcs_state(void);

#endif
