// SPDX-License-Identifier: GPL-2.0-only
/*
 * Asynchronous page faults: a page that user space has not given yet.
 */
#include <fcntl.h>
#include <linux/kvm_para.h>
#include <linux/userfaultfd.h>
#include <poll.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "api.h"

#define PAGE		4096u
#define WORDS		0x8000u		/* flags, token */
#define CR2_SEEN	0x9000u
#define TOKEN_SEEN	0x9008u
#define ABSENT		0x200000u
#define VECTOR		0x40
#define EVERYBODY	0xffffffffu
#define ON		(KVM_ASYNC_PF_ENABLED | KVM_ASYNC_PF_DELIVERY_AS_INT)
#define PORT_READY	0x500	/* "page ready" was taken */
#define PORT_DONE	0x501
#define PORT_ABSENT	0x502	/* "not present" was taken */
#define PORT_START	0x503

/*
 * With the flags in RSI, touch the page.  At 0x100 the handler of #PF, which waits for an
 * interrupt; at 0x200 that of "page ready", which acknowledges.
 */
PAYLOAD(apf_code,
	"mov $0xfee000f0, %ebx; movl $0x1ff, (%rbx)\n"
	"mov %rsi, %r8; mov $0x503, %edx; out %al, %dx\n"
	"push %r8; popfq; nop; nop\n"
	"mov 0x200000, %ebx; cli; mov $0x501, %edx; out %al, %dx; hlt\n"
	".org apf_code + 0x100\n"
	"mov %cr2, %rax; mov %rax, 0x9000; movl $0, 0x8000\n"
	"mov $0x502, %edx; out %al, %dx; sti; hlt; cli; add $8, %rsp; iretq\n"
	".org apf_code + 0x200\n"
	"mov 0x8004, %eax; mov %rax, 0x9008; movl $0, 0x8004\n"
	"mov $0xfee000b0, %ebx; movl $0, (%rbx)\n"
	"mov $0x500, %edx; out %al, %dx\n"
	"mov $0x4b564d07, %ecx; mov $1, %eax; xor %edx, %edx; wrmsr; iretq\n");

static int uffd;

static void catch_faults(struct vmm *vmm)
{
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register r = {
		.range = { (u64)vmm->mem + ABSENT, PAGE }, .mode = UFFDIO_REGISTER_MODE_MISSING,
	};

	uffd = syscall(SYS_userfaultfd, O_CLOEXEC);
	EXPECT(uffd >= 0);
	EXPECT_OK(ioctl(uffd, UFFDIO_API, &api));
	EXPECT_OK(madvise(vmm->mem + ABSENT, PAGE, MADV_DONTNEED));
	EXPECT_OK(ioctl(uffd, UFFDIO_REGISTER, &r));
}

/* The host waits for the page: true. Its address is the one that was touched. */
static bool is_missed(struct vmm *vmm)
{
	struct pollfd p = { .fd = uffd, .events = POLLIN };
	struct uffd_msg msg;

	if (poll(&p, 1, 10000) != 1 || read(uffd, &msg, sizeof(msg)) != sizeof(msg))
		return false;
	return msg.event == UFFD_EVENT_PAGEFAULT &&
	       msg.arg.pagefault.address == (u64)vmm->mem + ABSENT;
}

static int give_page(struct vmm *vmm)
{
	static u32 page[PAGE / sizeof(u32)] = { 0xabcd };
	struct uffdio_copy copy = {
		.dst = (u64)vmm->mem + ABSENT, .src = (u64)page, .len = PAGE,
	};

	return ioctl(uffd, UFFDIO_COPY, &copy);
}

static u64 word(struct vmm_vcpu *v, u64 gpa)
{
	return *(volatile u64 *)(v->vmm->mem + gpa);
}

static int next_port(struct vmm_vcpu *v)
{
	int reason = run(v);

	return reason == KVM_EXIT_IO ? v->run->io.port : -reason;
}

/* With its APIC on, and about to touch the page with @rflags. */
static struct vmm_vcpu *start(u64 flags, u64 rflags)
{
	struct vmm_vcpu *v = BOOT_CHIPS(apf_code);
	struct kvm_regs r;

	set_gate(v->vmm, 14, VMM_LOAD_GPA + 0x100);
	set_gate(v->vmm, VECTOR, VMM_LOAD_GPA + 0x200);
	catch_faults(v->vmm);
	EXPECT_OK(ioctl(v->fd, KVM_GET_REGS, &r));
	r.rsi = rflags;
	EXPECT_OK(ioctl(v->fd, KVM_SET_REGS, &r));
	EXPECT_EQ(next_port(v), PORT_START);
	EXPECT_EQ(set_msr(v, MSR_KVM_ASYNC_PF_INT, VECTOR), 1);
	EXPECT_EQ(set_msr(v, MSR_KVM_ASYNC_PF_EN, WORDS | flags), 1);
	return v;
}

/* The guest runs while the page is not there. */
static struct vmm_vcpu *told_of_absence(void)
{
	struct vmm_vcpu *v = start(ON | KVM_ASYNC_PF_SEND_ALWAYS, 0x202);

	EXPECT_EQ(next_port(v), PORT_READY);
	EXPECT_EQ((u32)word(v, TOKEN_SEEN), EVERYBODY);
	EXPECT_EQ(next_port(v), PORT_ABSENT);
	EXPECT(word(v, CR2_SEEN));
	EXPECT(is_missed(v->vmm));
	return v;
}

TEST(apf_tells_of_absence_and_presence)
{
	struct vmm_vcpu *v = told_of_absence();
	struct kvm_regs r;

	EXPECT_OK(give_page(v->vmm));
	EXPECT_EQ(next_port(v), PORT_READY);
	EXPECT_EQ(word(v, TOKEN_SEEN), word(v, CR2_SEEN));
	EXPECT_EQ(next_port(v), PORT_DONE);
	EXPECT_OK(ioctl(v->fd, KVM_GET_REGS, &r));
	EXPECT_EQ(r.rbx, 0xabcd);
}

/* Guests that were carried to another host wait for what never comes. */
TEST(apf_enabled_again_wakes_everybody)
{
	struct vmm_vcpu *v = told_of_absence();

	EXPECT_EQ(set_msr(v, MSR_KVM_ASYNC_PF_EN, WORDS | ON | KVM_ASYNC_PF_SEND_ALWAYS), 1);
	EXPECT_EQ(next_port(v), PORT_READY);
	EXPECT_EQ((u32)word(v, TOKEN_SEEN), EVERYBODY);
	EXPECT_EQ(next_port(v), PORT_ABSENT);		/* it has tried again */
	EXPECT_OK(give_page(v->vmm));
	EXPECT_EQ(next_port(v), PORT_READY);
	EXPECT_EQ(word(v, TOKEN_SEEN), word(v, CR2_SEEN));
	EXPECT_EQ(next_port(v), PORT_DONE);
}

static void *give_when_missed(void *vmm)
{
	return is_missed(vmm) && !give_page(vmm) ? vmm : NULL;
}

/* Nobody is told: the vCPU waits. */
static void waits(struct vmm_vcpu *v)
{
	pthread_t thread;
	void *given;

	EXPECT(!pthread_create(&thread, NULL, give_when_missed, v->vmm));
	EXPECT_EQ(next_port(v), PORT_DONE);
	pthread_join(thread, &given);
	EXPECT(given);
	EXPECT_EQ(word(v, CR2_SEEN), 0);
}

TEST(apf_is_not_for_code_with_interrupts_off)
{
	struct vmm_vcpu *v = start(ON | KVM_ASYNC_PF_SEND_ALWAYS, 2);

	waits(v);
}

TEST(apf_is_for_programs_unless_asked_for)
{
	struct vmm_vcpu *v = start(ON, 0x202);

	EXPECT_EQ(next_port(v), PORT_READY);
	waits(v);
}

TEST(apf_by_exception_is_no_more)
{
	struct vmm_vcpu *v = start(KVM_ASYNC_PF_ENABLED | KVM_ASYNC_PF_SEND_ALWAYS, 0x202);

	waits(v);
}

TEST(apf_left_behind_does_not_keep_the_vm)
{
	struct vmm_vcpu *v = told_of_absence();
	struct vmm *vmm = v->vmm;

	close(v->fd);
	close(vmm->fd);
	EXPECT_OK(give_page(vmm));
}

TEST(apf_msrs_refuse_what_is_reserved)
{
	struct vmm_vcpu *v = BOOT_CHIPS(apf_code);
	u64 val;

	EXPECT_EQ(set_msr(v, MSR_KVM_ASYNC_PF_EN, WORDS | ON | 0x10), 0);
	EXPECT_EQ(set_msr(v, MSR_KVM_ASYNC_PF_EN, 0x100000000ull | ON), 0);
	EXPECT_EQ(set_msr(v, MSR_KVM_ASYNC_PF_INT, 0x100), 0);
	EXPECT_EQ(set_msr(v, MSR_KVM_ASYNC_PF_EN, WORDS | ON), 1);
	EXPECT_EQ(set_msr(v, MSR_KVM_ASYNC_PF_INT, 0xff), 1);
	EXPECT_EQ(set_msr(v, MSR_KVM_ASYNC_PF_ACK, 1), 1);
	EXPECT_EQ(get_msr(v, MSR_KVM_ASYNC_PF_EN, &val), 1);
	EXPECT_EQ(val, WORDS | ON);
	EXPECT_EQ(get_msr(v, MSR_KVM_ASYNC_PF_INT, &val), 1);
	EXPECT_EQ(val, 0xff);
	EXPECT_EQ(get_msr(v, MSR_KVM_ASYNC_PF_ACK, &val), 1);
	EXPECT_EQ(val, 0);
}

TEST(apf_needs_an_apic)
{
	struct vmm_vcpu *v = idle_vcpu();

	EXPECT_EQ(set_msr(v, MSR_KVM_ASYNC_PF_EN, WORDS | ON), 0);
	EXPECT_EQ(set_msr(v, MSR_KVM_ASYNC_PF_EN, 0), 1);
}
