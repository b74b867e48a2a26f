#include "back.h"
void test_enter(void) {}
