#include "back.h"
void test_state(void) {}
