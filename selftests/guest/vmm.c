// SPDX-License-Identifier: GPL-2.0-only
/*
 * A one-page VMM for tests; see vmm.h.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "vmm.h"

#define PTE_P		BIT_ULL(0)
#define PTE_W		BIT_ULL(1)
#define PTE_PS		BIT_ULL(7)
#define CR0_PE		BIT_ULL(0)
#define CR0_MP		BIT_ULL(1)
#define CR0_ET		BIT_ULL(4)
#define CR0_NE		BIT_ULL(5)
#define CR0_PG		BIT_ULL(31)
#define CR4_PAE		BIT_ULL(5)
#define CR4_OSFXSR	BIT_ULL(9)
#define EFER_LME	BIT_ULL(8)
#define EFER_LMA	BIT_ULL(10)
#define EFER_NX		BIT_ULL(11)
#define CPUID1_ECX_X2APIC	BIT_ULL(21)
#define CPUID1_ECX_TSC_DEADLINE	BIT_ULL(24)

static const char *device;

const char *vmm_device(void)
{
	const char *env = getenv("NVMX_DEV");

	return device ? device : env ? env : "/dev/nvmx";
}

void vmm_set_device(const char *path)
{
	device = path;
}

void vmm_bail(const char *what)
{
	printf("Bail out! %s: %s\n", what, strerror(errno));
	fflush(stdout);
	_exit(1);
}

int vmm_open_quiet(void)
{
	return open(vmm_device(), O_RDWR | O_CLOEXEC);
}

int vmm_open(void)
{
	int fd = vmm_open_quiet();

	if (fd < 0)
		vmm_bail(vmm_device());
	return fd;
}

int vmm_check(int fd, long cap)
{
	return ioctl(fd, KVM_CHECK_EXTENSION, cap);
}

void vmm_set_slot(struct vmm *vmm, u32 slot, u32 flags, u64 gpa, size_t size,
		  void *host)
{
	struct kvm_userspace_memory_region r = {
		.slot = slot, .flags = flags, .guest_phys_addr = gpa,
		.memory_size = size, .userspace_addr = (uintptr_t)host,
	};

	if (ioctl(vmm->fd, KVM_SET_USER_MEMORY_REGION, &r))
		vmm_bail("KVM_SET_USER_MEMORY_REGION");
}

/* Identity-map 4 GiB, so that device addresses are reached too. */
static void build_tables(struct vmm *vmm)
{
	u64 *pml4 = (void *)(vmm->mem + VMM_PML4);
	u64 *pdpt = pml4 + 512, *pd = pdpt + 512;
	u64 i;

	pml4[0] = (VMM_PML4 + 4096) | PTE_P | PTE_W;
	for (i = 0; i < 4; i++)
		pdpt[i] = (VMM_PML4 + 8192 + i * 4096) | PTE_P | PTE_W;
	for (i = 0; i < 4 * 512; i++)
		pd[i] = i << 21 | PTE_P | PTE_W | PTE_PS;
}

static void build_gdt(struct vmm *vmm)
{
	u64 *gdt = (void *)(vmm->mem + VMM_GDT);

	gdt[VMM_CODE64 / 8] = 0x00af9b000000ffffull;
	gdt[VMM_DATA / 8] = 0x00cf93000000ffffull;
	gdt[VMM_CODE32 / 8] = 0x00cf9b000000ffffull;
	gdt[VMM_TR / 8] = 0x00008b0000000067ull | (VMM_TSS & 0xffffff) << 16;
	gdt[VMM_TR / 8 + 1] = 0;
}

struct vmm *vmm_create(size_t mem_size)
{
	struct vmm *vmm = calloc(1, sizeof(*vmm));

	if (!vmm)
		vmm_bail("calloc");
	vmm->dev = vmm_open();
	vmm->fd = ioctl(vmm->dev, KVM_CREATE_VM, 0);
	if (vmm->fd < 0)
		vmm_bail("KVM_CREATE_VM");
	if (!mem_size)
		return vmm;

	vmm->mem_size = mem_size;
	vmm->mem = mmap(NULL, mem_size, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (vmm->mem == MAP_FAILED)
		vmm_bail("mmap of guest memory");
	vmm_set_slot(vmm, 0, 0, 0, mem_size, vmm->mem);
	build_tables(vmm);
	build_gdt(vmm);
	return vmm;
}

void vmm_irqchip(struct vmm *vmm)
{
	struct kvm_pit_config pit = { };

	if (ioctl(vmm->fd, KVM_CREATE_IRQCHIP, 0))
		vmm_bail("KVM_CREATE_IRQCHIP");
	if (ioctl(vmm->fd, KVM_CREATE_PIT2, &pit))
		vmm_bail("KVM_CREATE_PIT2");
	vmm->irqchip = true;
}

/* Features of an APIC in the kernel; the device names the TSC deadline only as a capability. */
static u32 apic_features(const struct vmm *vmm, u32 ecx)
{
	if (!vmm->irqchip)
		return ecx & ~CPUID1_ECX_X2APIC;
	if (vmm_check(vmm->dev, KVM_CAP_TSC_DEADLINE_TIMER) > 0)
		ecx |= CPUID1_ECX_TSC_DEADLINE;
	return ecx;
}

void vmm_evmcs(struct vmm *vmm)
{
	vmm->evmcs = true;
}

struct cpuid_list {
	struct kvm_cpuid2 head;
	struct kvm_cpuid_entry2 entry[VMM_MAX_CPUID];
};

static bool is_hypervisors(const struct kvm_cpuid_entry2 *e)
{
	return e->function >> 16 == 0x4000;
}

/* Hyper-V's leaves have the numbers of KVM's. */
static void show_hyperv(struct vmm_vcpu *v, struct cpuid_list *c)
{
	u16 versions = 0;
	struct kvm_enable_cap cap = {
		.cap = KVM_CAP_HYPERV_ENLIGHTENED_VMCS, .args = { (unsigned long)&versions },
	};
	struct cpuid_list hv = { .head.nent = VMM_MAX_CPUID };
	u32 i, n = 0;

	if (ioctl(v->fd, KVM_ENABLE_CAP, &cap) || versions != 0x101)
		vmm_bail("KVM_CAP_HYPERV_ENLIGHTENED_VMCS");
	if (ioctl(v->fd, KVM_GET_SUPPORTED_HV_CPUID, &hv))
		vmm_bail("KVM_GET_SUPPORTED_HV_CPUID");
	for (i = 0; i < c->head.nent; i++)
		if (!is_hypervisors(&c->entry[i]))
			c->entry[n++] = c->entry[i];
	for (i = 0; i < hv.head.nent && n < VMM_MAX_CPUID; i++)
		c->entry[n++] = hv.entry[i];
	c->head.nent = n;
}

static void set_cpuid(struct vmm_vcpu *v)
{
	struct cpuid_list c = { .head.nent = VMM_MAX_CPUID };
	u32 i;

	if (ioctl(v->vmm->dev, KVM_GET_SUPPORTED_CPUID, &c))
		vmm_bail("KVM_GET_SUPPORTED_CPUID");
	for (i = 0; i < c.head.nent; i++) {
		if (c.entry[i].function == 1) {
			c.entry[i].ebx = (c.entry[i].ebx & 0xffffff) | v->index << 24;
			c.entry[i].ecx = apic_features(v->vmm, c.entry[i].ecx);
		}
		if (c.entry[i].function == 0xb)
			c.entry[i].edx = v->index;
	}
	if (v->vmm->evmcs)
		show_hyperv(v, &c);
	if (ioctl(v->fd, KVM_SET_CPUID2, &c))
		vmm_bail("KVM_SET_CPUID2");
}

struct vmm_vcpu *vmm_add_vcpu(struct vmm *vmm)
{
	struct vmm_vcpu *v = &vmm->vcpu[vmm->nr_vcpus];
	int size = ioctl(vmm->dev, KVM_GET_VCPU_MMAP_SIZE, 0);

	if (vmm->nr_vcpus == VMM_MAX_VCPUS || size < (int)sizeof(struct kvm_run))
		vmm_bail("KVM_GET_VCPU_MMAP_SIZE");
	v->vmm = vmm;
	v->index = vmm->nr_vcpus;
	v->run_size = size;
	v->fd = ioctl(vmm->fd, KVM_CREATE_VCPU, (long)v->index);
	if (v->fd < 0)
		vmm_bail("KVM_CREATE_VCPU");
	v->run = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, v->fd, 0);
	if (v->run == MAP_FAILED)
		vmm_bail("mmap of a vCPU");
	set_cpuid(v);
	vmm->nr_vcpus++;
	return v;
}

void vmm_destroy(struct vmm *vmm)
{
	u32 i;

	for (i = 0; i < vmm->nr_vcpus; i++) {
		munmap(vmm->vcpu[i].run, vmm->vcpu[i].run_size);
		close(vmm->vcpu[i].fd);
	}
	close(vmm->fd);
	close(vmm->dev);
	if (vmm->mem)
		munmap(vmm->mem, vmm->mem_size);
	free(vmm);
}

void vmm_load(struct vmm *vmm, u64 gpa, const void *image, size_t size)
{
	if (gpa > vmm->mem_size || size > vmm->mem_size - gpa) {
		errno = E2BIG;
		vmm_bail("payload");
	}
	memcpy(vmm->mem + gpa, image, size);
}

void vmm_load_file(struct vmm *vmm, const char *path)
{
	size_t room = vmm->mem_size - VMM_LOAD_GPA, done = 0;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = 1;

	if (fd < 0)
		vmm_bail(path);
	while (n > 0) {
		n = read(fd, vmm->mem + VMM_LOAD_GPA + done, room - done);
		if (n > 0)
			done += n;
	}
	if (n < 0 || !done || done == room)
		vmm_bail(path);
	close(fd);
}

static struct kvm_segment segment(u16 selector, u8 type, bool code64)
{
	return (struct kvm_segment){
		.limit = 0xffffffff, .selector = selector, .type = type, .present = 1, .s = 1,
		.g = 1, .l = code64, .db = !code64,
	};
}

static void get_sregs(struct vmm_vcpu *v, struct kvm_sregs *s)
{
	if (ioctl(v->fd, KVM_GET_SREGS, s))
		vmm_bail("KVM_GET_SREGS");
}

static void set_state(struct vmm_vcpu *v, struct kvm_sregs *s, struct kvm_regs *r)
{
	if (ioctl(v->fd, KVM_SET_SREGS, s))
		vmm_bail("KVM_SET_SREGS");
	if (ioctl(v->fd, KVM_SET_REGS, r))
		vmm_bail("KVM_SET_REGS");
}

/* An APIC in the kernel holds back all processors but the first until a SIPI. */
static void make_runnable(struct vmm_vcpu *v)
{
	struct kvm_mp_state state = { .mp_state = KVM_MP_STATE_RUNNABLE };

	if (v->vmm->irqchip && ioctl(v->fd, KVM_SET_MP_STATE, &state))
		vmm_bail("KVM_SET_MP_STATE");
}

void vmm_long_mode(struct vmm_vcpu *v, u64 rip)
{
	struct kvm_regs r = {
		.rip = rip, .rflags = 2, .rsp = VMM_STACK_TOP - v->index * 0x4000 - 8,
		.rdi = v->index, .rsi = v->vmm->mem_size,
	};
	struct kvm_sregs s;

	get_sregs(v, &s);
	s.cs = segment(VMM_CODE64, 11, true);
	s.ds = segment(VMM_DATA, 3, false);
	s.es = s.ds;
	s.ss = s.ds;
	s.fs = s.ds;
	s.gs = s.ds;
	s.tr = (struct kvm_segment){ .base = VMM_TSS, .limit = 0x67, .selector = VMM_TR,
				     .type = 11, .present = 1 };
	s.ldt = (struct kvm_segment){ .unusable = 1 };
	s.gdt = (struct kvm_dtable){ .base = VMM_GDT, .limit = VMM_TR + 15 };
	s.idt = (struct kvm_dtable){ .limit = 0 };
	s.cr0 = CR0_PE | CR0_MP | CR0_ET | CR0_NE | CR0_PG;
	s.cr3 = VMM_PML4;
	s.cr4 = CR4_PAE | CR4_OSFXSR;
	s.efer = EFER_LME | EFER_LMA | EFER_NX;
	set_state(v, &s, &r);
	make_runnable(v);
}

void vmm_real_mode(struct vmm_vcpu *v, u16 seg, u16 ip)
{
	struct kvm_regs r = { .rip = ip, .rflags = 2, .rsp = 0x7000 };
	struct kvm_segment *all[6], data;
	struct kvm_sregs s;
	int i;

	get_sregs(v, &s);
	all[0] = &s.cs;
	all[1] = &s.ds;
	all[2] = &s.es;
	all[3] = &s.fs;
	all[4] = &s.gs;
	all[5] = &s.ss;
	data = (struct kvm_segment){ .base = (u32)seg << 4, .limit = 0xffff, .selector = seg,
				     .type = 3, .present = 1, .s = 1 };
	for (i = 0; i < 6; i++)
		*all[i] = data;
	s.cs.type = 11;
	s.cr0 = CR0_ET;
	s.cr4 = 0;
	s.efer = 0;
	set_state(v, &s, &r);
}

static const char * const exit_names[] = {
	[KVM_EXIT_UNKNOWN] = "UNKNOWN", [KVM_EXIT_EXCEPTION] = "EXCEPTION", [KVM_EXIT_IO] = "IO",
	[KVM_EXIT_HYPERCALL] = "HYPERCALL", [KVM_EXIT_DEBUG] = "DEBUG", [KVM_EXIT_HLT] = "HLT",
	[KVM_EXIT_MMIO] = "MMIO", [KVM_EXIT_IRQ_WINDOW_OPEN] = "IRQ_WINDOW_OPEN",
	[KVM_EXIT_SHUTDOWN] = "SHUTDOWN", [KVM_EXIT_FAIL_ENTRY] = "FAIL_ENTRY",
	[KVM_EXIT_INTR] = "INTR", [KVM_EXIT_SET_TPR] = "SET_TPR",
	[KVM_EXIT_TPR_ACCESS] = "TPR_ACCESS", [KVM_EXIT_NMI] = "NMI",
	[KVM_EXIT_INTERNAL_ERROR] = "INTERNAL_ERROR", [KVM_EXIT_SYSTEM_EVENT] = "SYSTEM_EVENT",
	[KVM_EXIT_X86_RDMSR] = "X86_RDMSR", [KVM_EXIT_X86_WRMSR] = "X86_WRMSR",
};

const char *vmm_exit_name(u32 reason)
{
	const char *name = NULL;

	if (reason < ARRAY_SIZE(exit_names))
		name = exit_names[reason];
	return name ? name : "?";
}

static int unexpected(struct vmm_vcpu *v)
{
	const struct kvm_run *run = v->run;
	struct kvm_regs r = { 0 };
	u64 detail = 0;

	if (run->exit_reason == KVM_EXIT_INTERNAL_ERROR)
		detail = run->internal.suberror;
	if (run->exit_reason == KVM_EXIT_FAIL_ENTRY)
		detail = run->fail_entry.hardware_entry_failure_reason;
	if (run->exit_reason == KVM_EXIT_MMIO)
		detail = run->mmio.phys_addr;
	if (run->exit_reason == KVM_EXIT_IO)
		detail = run->io.port;
	ioctl(v->fd, KVM_GET_REGS, &r);
	snprintf(v->vmm->why, sizeof(v->vmm->why), "vCPU %u: exit %u (%s) detail 0x%llx rip 0x%llx",
		 v->index, run->exit_reason, vmm_exit_name(run->exit_reason),
		 (unsigned long long)detail, (unsigned long long)r.rip);
	return VMM_UNEXPECTED;
}

static void console(const struct vmm *vmm, u8 c)
{
	static u8 last = '\n';

	if (vmm->comment && last == '\n')
		fputs("# L1: ", stdout);
	putchar(c);
	if (c == '\n')
		fflush(stdout);
	last = c;
}

/* true: one of the protocol's ports; *code is set when it was the last */
static bool protocol(struct vmm_vcpu *v, int *code)
{
	const u8 *data = (u8 *)v->run + v->run->io.data_offset;
	struct vmm *vmm = v->vmm;
	u32 i;

	if (v->run->io.direction != KVM_EXIT_IO_OUT || v->run->io.size != 1)
		return false;
	switch (v->run->io.port) {
	case VMM_PORT_CONSOLE:
		for (i = 0; i < v->run->io.count; i++)
			console(vmm, data[i]);
		return true;
	case VMM_PORT_RESULT:
		if (vmm->nr_results < VMM_MAX_RESULTS)
			vmm->result[vmm->nr_results++] = *data;
		return true;
	case VMM_PORT_EXIT:
		*code = *data;
		return true;
	}
	return false;
}

int vmm_run(struct vmm_vcpu *v)
{
	int code = VMM_UNEXPECTED;

	while (code == VMM_UNEXPECTED) {
		if (ioctl(v->fd, KVM_RUN, 0)) {
			if (errno == EINTR)
				return VMM_SIGNAL;
			snprintf(v->vmm->why, sizeof(v->vmm->why), "vCPU %u: KVM_RUN: %s",
				 v->index, strerror(errno));
			return VMM_UNEXPECTED;
		}
		if (v->run->exit_reason == KVM_EXIT_IO && protocol(v, &code))
			continue;
		if (v->vmm->exit && v->vmm->exit(v, v->vmm->ctx))
			continue;
		if (v->run->exit_reason == KVM_EXIT_HLT)
			return VMM_HALTED;
		return unexpected(v);
	}
	return code;
}

const char *vmm_why(struct vmm *vmm)
{
	return vmm->why;
}

bool vmm_wanted(const char *row, int argc, char **argv)
{
	int i;

	for (i = 2; i < argc; i++)
		if (!strcmp(argv[i], row))
			return true;
	return argc < 3;
}

/* /proc/meminfo does not count what lies in the processors' lists: tens of megabytes, at times. */
long vmm_free_kb(void)
{
	FILE *f = fopen("/proc/zoneinfo", "r");
	long pages = 0, n;
	char line[200];

	if (!f)
		vmm_bail("/proc/zoneinfo");
	while (fgets(line, sizeof(line), f))
		if (sscanf(line, " pages free %ld", &n) == 1 ||
		    sscanf(line, " count: %ld", &n) == 1)
			pages += n;
	fclose(f);
	return pages * (sysconf(_SC_PAGESIZE) >> 10);
}
