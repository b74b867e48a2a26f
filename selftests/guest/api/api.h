/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the tests of the KVM API share.
 *
 * Everything here holds on stock KVM too.
 * A test of what only nvmx does begins with ONLY_NVMX().  So that a test can be tried against the
 * original: NVMX_DEV=/dev/kvm build/api.
 */
#ifndef API_TESTS_H
#define API_TESTS_H

#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tap.h"
#include "vmm.h"
#include "../../../include/uapi/linux/nvmx.h"

#define MB		0x100000ul
#define BAD_POINTER	((void *)8)
#define UNKNOWN_IOCTL	_IO(KVMIO, 0xfe)

/* Code for a guest in 64-bit mode, that runs wherever it is loaded. */
#define PAYLOAD(name, code)						\
	asm(".pushsection .rodata\n" #name ": " code "\n" #name "_end:\n.popsection");	\
	extern const u8 name[], name##_end[]

/* A place within it. */
#define PAYLOAD_LABEL(name)	extern const u8 name[]

/* End with exit code 0. */
#define PAYLOAD_DONE	"mov $0x501, %dx; xor %eax, %eax; out %al, %dx\n1: hlt; jmp 1b\n"

/* A VM with 4 MiB, one vCPU, and code about to start. */
#define BOOT(name)	boot(name, name##_end - name)
#define BOOT_CHIPS(name) boot_with_chips(name, name##_end - name)

struct vmm_vcpu *boot(const u8 *code, size_t size);
struct vmm_vcpu *boot_with_chips(const u8 *code, size_t size);	/* interrupt controllers */
struct vmm_vcpu *idle_vcpu(void);		/* the same with nothing but HLT */
struct vmm *bare_vm(void);			/* no memory, no vCPU */

/* An interrupt gate; the handler is code that boot() has put at VMM_LOAD_GPA + offset. */
void set_gate(struct vmm *vmm, u8 vector, u64 handler);

/* KVM_RUN; the exit reason, or -errno. */
int run(struct vmm_vcpu *v);
void *io_data(struct vmm_vcpu *v);

/* Run the code from its beginning, with these registers, to an OUT: what it says, and its RBX. */
u8 call_guest(struct vmm_vcpu *v, u64 rsi, u64 rdi, u64 *rbx);

u64 get_rip(struct vmm_vcpu *v);
void get_sregs(struct vmm_vcpu *v, struct kvm_sregs *s);
int get_msr(struct vmm_vcpu *v, u32 index, u64 *val);	/* number done: 0 or 1 */
int set_msr(struct vmm_vcpu *v, u32 index, u64 val);
int enable_cap(struct vmm *vmm, u32 cap, u64 arg);

#define ONLY_NVMX() do {						\
	if (vmm_check(vmm_open(), NVMX_CAP_VERSION) < 1)		\
		SKIP("not nvmx");					\
} while (0)

#define NEEDS(cap) do {							\
	if (vmm_check(vmm_open(), cap) < 1)				\
		SKIP("no " #cap);					\
} while (0)

#endif
