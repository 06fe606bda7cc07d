#include <stdio.h>

int main(void) {
	puts("hello from a stage");
	return 0;
}
