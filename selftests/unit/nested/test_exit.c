#include "back.h"
void test_exit(void) {}
