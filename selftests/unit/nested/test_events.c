#include "back.h"
void test_events(void) {}
