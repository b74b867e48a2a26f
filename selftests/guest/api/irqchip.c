// SPDX-License-Identifier: GPL-2.0-only
/*
 * Interrupt controllers in the kernel: PIC, I/O APIC, PIT, routes and irqfds.
 */
#include <poll.h>
#include <sys/eventfd.h>

#include "api.h"

#define VECTOR		0x40
#define PIN		10
#define PORT_READY	0x500	/* the guest listens */
#define PORT_DONE	0x501
#define PORT_SERVICE	0x502	/* the guest is in its handler */
#define MSI_BASE	0xfee00000u
#define MSI_LEVEL	0x8000u
#define RED_LEVEL	0x8000ull
#define RED_REMOTE_IRR	0x4000ull
#define RED_MASKED	0x10000ull
#define MAX_ROUTES	4096

#define OUT(port)	"mov $" #port ", %edx; xor %eax, %eax; out %al, %dx\n"
#define STI_HLT		"sti; hlt; cli\n"

/* The master: vectors from 0x40. */
#define PIC_INIT	\
	"mov $0x11, %al; out %al, $0x20; mov $0x40, %al; out %al, $0x21\n"	\
	"mov $4, %al; out %al, $0x21; mov $1, %al; out %al, $0x21\n"

/* Software-enable the local APIC. */
#define APIC_ON		"mov $0xfee000f0, %ebx; movl $0x1ff, (%rbx)\n"

/* Redirection entry 10: vector 0x40 for APIC 0, with the bits given */
#define IOAPIC_PIN(bits)							\
	"mov $0xfec00000, %ebx\n"						\
	"movl $0x25, (%rbx); movl $0, 0x10(%rbx)\n"				\
	"movl $0x24, (%rbx); movl $(0x40 + " #bits "), 0x10(%rbx)\n"

/* The default routes lead to both: nothing is to come from here. */
#define PIC_OFF		"mov $0xff, %al; out %al, $0x21; out %al, $0xa1\n"

/* End the interrupt in service. */
#define APIC_EOI	"mov $0xfee000b0, %ebx; movl $0, (%rbx)\n"

/* Interrupt 1 by the PIC: seen, ended, done. */
PAYLOAD(pic_code,
	PIC_INIT "mov $0xfd, %al; out %al, $0x21\n"
	OUT(0x500) STI_HLT OUT(0x501)
	"pic_handler: " OUT(0x502) "mov $0x20, %al; out %al, $0x20; iretq\n");
PAYLOAD_LABEL(pic_handler);

/* The same by the I/O APIC. */
PAYLOAD(apic_code,
	PIC_OFF APIC_ON IOAPIC_PIN(0) OUT(0x500)
	"1: " STI_HLT OUT(0x501) "jmp 1b\n"
	"apic_handler: " OUT(0x502) APIC_EOI "iretq\n");
PAYLOAD_LABEL(apic_handler);

PAYLOAD(level_code,
	PIC_OFF APIC_ON IOAPIC_PIN(0x8000) OUT(0x500)
	"1: " STI_HLT OUT(0x501) "jmp 1b\n"
	"level_handler: " OUT(0x502) APIC_EOI "iretq\n");
PAYLOAD_LABEL(level_handler);

/* By a message, whoever sends it. */
PAYLOAD(msi_code,
	APIC_ON OUT(0x500)
	"1: " STI_HLT OUT(0x501) "jmp 1b\n"
	"msi_handler: " OUT(0x502) APIC_EOI "iretq\n");
PAYLOAD_LABEL(msi_handler);

/* Interrupts on, with LINT0 open and masked. */
PAYLOAD(lint0_code,
	"sti; nop; nop\n" OUT(0x500)
	APIC_ON "mov $0xfee00350, %ebx; movl $0x10700, (%rbx)\n"
	OUT(0x501) "nop; nop\n" OUT(0x502) "cli; hlt\n");

/* Three ticks of channel 0, a thousand in a second. */
PAYLOAD(pit_code,
	PIC_INIT "mov $0xfe, %al; out %al, $0x21\n"
	"mov $0x34, %al; out %al, $0x43; mov $0xa9, %al; out %al, $0x40\n"
	"mov $4, %al; out %al, $0x40\n"
	STI_HLT STI_HLT STI_HLT OUT(0x501)
	"pit_handler: mov $0x20, %al; out %al, $0x20; iretq\n");
PAYLOAD_LABEL(pit_handler);

static struct vmm *chip_vm(size_t mem)
{
	struct vmm *vmm = vmm_create(mem);

	EXPECT_OK(ioctl(vmm->fd, KVM_CREATE_IRQCHIP, 0));
	return vmm;
}

static struct vmm *split_vm(u64 pins)
{
	struct vmm *vmm = bare_vm();

	EXPECT_OK(enable_cap(vmm, KVM_CAP_SPLIT_IRQCHIP, pins));
	return vmm;
}

static struct vmm *pit_vm(size_t mem)
{
	struct kvm_pit_config config = { .flags = KVM_PIT_SPEAKER_DUMMY };
	struct vmm *vmm = chip_vm(mem);

	EXPECT_OK(ioctl(vmm->fd, KVM_CREATE_PIT2, &config));
	return vmm;
}

/* A guest that has set up its controllers and waits for an interrupt. */
static struct vmm_vcpu *start(struct vmm *vmm, const u8 *code, size_t size, size_t handler)
{
	struct vmm_vcpu *v = vmm_add_vcpu(vmm);

	vmm_load(vmm, VMM_LOAD_GPA, code, size);
	vmm_long_mode(v, VMM_LOAD_GPA);
	set_gate(vmm, VECTOR, VMM_LOAD_GPA + handler);
	set_gate(vmm, VECTOR + 1, VMM_LOAD_GPA + handler);
	return v;
}

#define START(vmm, name, handler)	start(vmm, name, name##_end - (name), (handler) - (name))

/* Run to the next write to a port: which one. */
static int next_port(struct vmm_vcpu *v)
{
	int ret = run(v);

	EXPECT_EQ(ret, KVM_EXIT_IO);
	return v->run->io.port;
}

static int set_line(struct vmm *vmm, u32 gsi, int level)
{
	struct kvm_irq_level line = { .irq = gsi, .level = level };

	EXPECT_OK(ioctl(vmm->fd, KVM_IRQ_LINE_STATUS, &line));
	return (int)line.status;
}

static void get_chip(struct vmm *vmm, u32 id, struct kvm_irqchip *chip)
{
	memset(chip, 0xff, sizeof(*chip));
	chip->chip_id = id;
	EXPECT_OK(ioctl(vmm->fd, KVM_GET_IRQCHIP, chip));
}

static u64 get_entry(struct vmm *vmm, u32 pin)
{
	struct kvm_irqchip chip;

	get_chip(vmm, KVM_IRQCHIP_IOAPIC, &chip);
	return chip.chip.ioapic.redirtbl[pin].bits;
}

static int signal_msi(struct vmm *vmm, u32 address, u32 data)
{
	struct kvm_msi msi = { .address_lo = address, .data = data };

	return ioctl(vmm->fd, KVM_SIGNAL_MSI, &msi);
}

struct routes {
	struct kvm_irq_routing head;
	struct kvm_irq_routing_entry e[4];
};

static int set_routes(struct vmm *vmm, struct routes *r, u32 nr)
{
	r->head.nr = nr;
	return ioctl(vmm->fd, KVM_SET_GSI_ROUTING, r);
}

static struct kvm_irq_routing_entry pin_route(u32 gsi, u32 chip, u32 pin)
{
	return (struct kvm_irq_routing_entry){
		.gsi = gsi, .type = KVM_IRQ_ROUTING_IRQCHIP,
		.u.irqchip = { .irqchip = chip, .pin = pin },
	};
}

static struct kvm_irq_routing_entry msi_route(u32 gsi, u32 data)
{
	return (struct kvm_irq_routing_entry){
		.gsi = gsi, .type = KVM_IRQ_ROUTING_MSI,
		.u.msi = { .address_lo = MSI_BASE, .data = data },
	};
}

static int irqfd(struct vmm *vmm, int fd, u32 gsi, u32 flags, int resample)
{
	struct kvm_irqfd args = { .fd = fd, .gsi = gsi, .flags = flags, .resamplefd = resample };

	return ioctl(vmm->fd, KVM_IRQFD, &args);
}

static void kick(int fd)
{
	u64 one = 1;

	EXPECT_EQ(write(fd, &one, sizeof(one)), sizeof(one));
}

static bool readable(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	return poll(&p, 1, 0) == 1;
}

/* ---- which model ---- */

TEST(irqchip_once_and_first)
{
	struct vmm *vmm = chip_vm(0), *late = bare_vm();

	EXPECT_ERR(ioctl(vmm->fd, KVM_CREATE_IRQCHIP, 0), EEXIST);
	EXPECT_ERR(enable_cap(vmm, KVM_CAP_SPLIT_IRQCHIP, 24), EEXIST);
	vmm_add_vcpu(late);
	EXPECT_ERR(ioctl(late->fd, KVM_CREATE_IRQCHIP, 0), EINVAL);
	EXPECT_ERR(enable_cap(late, KVM_CAP_SPLIT_IRQCHIP, 24), EEXIST);
}

TEST(split_irqchip_pins)
{
	struct vmm *vmm = bare_vm();

	EXPECT_ERR(enable_cap(vmm, KVM_CAP_SPLIT_IRQCHIP, MAX_ROUTES + 1), EINVAL);
	EXPECT_OK(enable_cap(vmm, KVM_CAP_SPLIT_IRQCHIP, MAX_ROUTES));
	EXPECT_ERR(enable_cap(vmm, KVM_CAP_SPLIT_IRQCHIP, 24), EEXIST);
	EXPECT_ERR(ioctl(vmm->fd, KVM_CREATE_IRQCHIP, 0), EEXIST);
}

TEST(without_a_controller)
{
	struct kvm_irqchip chip = { .chip_id = KVM_IRQCHIP_IOAPIC };
	struct kvm_irq_level line = { .irq = 1, .level = 1 };
	struct kvm_pit_state2 ps = { .flags = 0 };
	struct kvm_reinject_control control = { .pit_reinject = 1 };
	struct kvm_pit_config config = { .flags = 0 };
	struct kvm_lapic_state lapic;
	struct kvm_vapic_addr vapic = { .vapic_addr = 0 };
	struct routes r = { .head.nr = 0 };
	struct vmm_vcpu *v = idle_vcpu();
	int vm = v->vmm->fd;

	EXPECT_ERR(ioctl(vm, KVM_GET_IRQCHIP, &chip), ENXIO);
	EXPECT_ERR(ioctl(vm, KVM_SET_IRQCHIP, &chip), ENXIO);
	EXPECT_ERR(ioctl(vm, KVM_IRQ_LINE, &line), ENXIO);
	EXPECT_ERR(ioctl(vm, KVM_IRQ_LINE_STATUS, &line), ENXIO);
	EXPECT_ERR(ioctl(vm, KVM_GET_PIT2, &ps), ENXIO);
	EXPECT_ERR(ioctl(vm, KVM_SET_PIT2, &ps), ENXIO);
	EXPECT_ERR(ioctl(vm, KVM_REINJECT_CONTROL, &control), ENXIO);
	EXPECT_ERR(set_routes(v->vmm, &r, 0), EINVAL);
	EXPECT_ERR(signal_msi(v->vmm, MSI_BASE, VECTOR), EINVAL);
	EXPECT_ERR(irqfd(v->vmm, eventfd(0, 0), 1, 0, -1), EINVAL);
	EXPECT_ERR(ioctl(v->fd, KVM_GET_LAPIC, &lapic), EINVAL);
	EXPECT_ERR(ioctl(v->fd, KVM_SET_LAPIC, &lapic), EINVAL);
	EXPECT_ERR(ioctl(v->fd, KVM_SET_VAPIC_ADDR, &vapic), EINVAL);
	ONLY_NVMX();		/* since 6.10 */
	EXPECT_ERR(ioctl(vm, KVM_CREATE_PIT2, &config), ENOENT);
}

TEST(split_has_no_chips)
{
	struct kvm_irqchip chip = { .chip_id = KVM_IRQCHIP_IOAPIC };
	struct vmm *vmm = split_vm(24);

	EXPECT_ERR(ioctl(vmm->fd, KVM_GET_IRQCHIP, &chip), ENXIO);
	EXPECT_ERR(ioctl(vmm->fd, KVM_SET_IRQCHIP, &chip), ENXIO);
	EXPECT_EQ(set_line(vmm, 1, 1), -1);	/* no route yet */
}

TEST(boot_cpu_before_the_first)
{
	struct vmm *vmm = chip_vm(0);

	EXPECT_OK(ioctl(vmm->fd, KVM_SET_BOOT_CPU_ID, 1));
	EXPECT_OK(ioctl(vmm->fd, KVM_SET_BOOT_CPU_ID, 0));
	vmm_add_vcpu(vmm);
	EXPECT_ERR(ioctl(vmm->fd, KVM_SET_BOOT_CPU_ID, 0), EBUSY);
}

TEST(x2apic_api_flags)
{
	struct vmm *vmm = split_vm(0);
	struct routes r = { .e = { msi_route(0, VECTOR) } };

	r.e[0].u.msi.address_hi = 1;
	EXPECT_OK(set_routes(vmm, &r, 1));
	EXPECT_ERR(enable_cap(vmm, KVM_CAP_X2APIC_API, 4), EINVAL);
	EXPECT_OK(enable_cap(vmm, KVM_CAP_X2APIC_API, KVM_X2APIC_API_USE_32BIT_IDS));
	EXPECT_ERR(set_routes(vmm, &r, 1), EINVAL);
	r.e[0].u.msi.address_hi = 0x100;
	EXPECT_OK(set_routes(vmm, &r, 1));
}

TEST(interrupt_is_for_user_spaces_pic)
{
	struct kvm_interrupt irq = { .irq = VECTOR };
	struct vmm_vcpu *v = vmm_add_vcpu(chip_vm(MB));

	EXPECT_ERR(ioctl(v->fd, KVM_INTERRUPT, &irq), ENXIO);
	irq.irq = 256;
	EXPECT_ERR(ioctl(v->fd, KVM_INTERRUPT, &irq), EINVAL);
	v = vmm_add_vcpu(split_vm(24));
	EXPECT_ERR(ioctl(v->fd, KVM_INTERRUPT, &irq), EINVAL);
	irq.irq = VECTOR;
	EXPECT_OK(ioctl(v->fd, KVM_INTERRUPT, &irq));
	EXPECT_ERR(ioctl(v->fd, KVM_INTERRUPT, &irq), EEXIST);
}

/* ---- the chips' state ---- */

TEST(irqchip_after_reset)
{
	struct vmm *vmm = chip_vm(0);
	struct kvm_irqchip chip;
	int i;

	get_chip(vmm, KVM_IRQCHIP_PIC_MASTER, &chip);
	EXPECT_EQ(chip.chip.pic.elcr_mask, 0xf8);
	EXPECT_EQ(chip.chip.pic.isr, 0);
	get_chip(vmm, KVM_IRQCHIP_PIC_SLAVE, &chip);
	EXPECT_EQ(chip.chip.pic.elcr_mask, 0xde);
	get_chip(vmm, KVM_IRQCHIP_IOAPIC, &chip);
	EXPECT_EQ(chip.chip.ioapic.base_address, 0xfec00000);
	for (i = 0; i < KVM_IOAPIC_NUM_PINS; i++)
		EXPECT_EQ(chip.chip.ioapic.redirtbl[i].bits, RED_MASKED);
	chip.chip_id = 3;
	EXPECT_ERR(ioctl(vmm->fd, KVM_GET_IRQCHIP, &chip), EINVAL);
	EXPECT_ERR(ioctl(vmm->fd, KVM_SET_IRQCHIP, &chip), EINVAL);
	EXPECT_ERR(ioctl(vmm->fd, KVM_GET_IRQCHIP, BAD_POINTER), EFAULT);
	EXPECT_ERR(ioctl(vmm->fd, KVM_SET_IRQCHIP, BAD_POINTER), EFAULT);
}

TEST(irqchip_round_trip)
{
	struct vmm *vmm = chip_vm(0);
	struct kvm_irqchip in, out;

	get_chip(vmm, KVM_IRQCHIP_PIC_SLAVE, &in);
	in.chip.pic.irq_base = 0x70;
	in.chip.pic.imr = 0x5a;
	in.chip.pic.elcr = 0xde;
	in.chip.pic.priority_add = 3;
	EXPECT_OK(ioctl(vmm->fd, KVM_SET_IRQCHIP, &in));
	get_chip(vmm, KVM_IRQCHIP_PIC_SLAVE, &out);
	EXPECT(!memcmp(&in.chip.pic, &out.chip.pic, sizeof(in.chip.pic)));

	get_chip(vmm, KVM_IRQCHIP_IOAPIC, &in);
	in.chip.ioapic.id = 5;
	in.chip.ioapic.ioregsel = 0x24;
	in.chip.ioapic.redirtbl[PIN].bits = 0x0100000000000000 | RED_MASKED | RED_LEVEL | VECTOR;
	EXPECT_OK(ioctl(vmm->fd, KVM_SET_IRQCHIP, &in));
	get_chip(vmm, KVM_IRQCHIP_IOAPIC, &out);
	EXPECT(!memcmp(&in.chip.ioapic, &out.chip.ioapic, sizeof(in.chip.ioapic)));
}

/* Every bit set: whatever it makes of that, the guest and the lines can still be used. */
TEST(irqchip_hostile_state)
{
	struct vmm_vcpu *v = START(pit_vm(4 * MB), apic_code, apic_handler);
	struct kvm_irqchip chip;
	struct kvm_pit_state2 ps;
	u32 id, gsi;

	for (id = 0; id < 3; id++) {
		memset(&chip, 0xff, sizeof(chip));
		chip.chip_id = id;
		EXPECT_OK(ioctl(v->vmm->fd, KVM_SET_IRQCHIP, &chip));
		get_chip(v->vmm, id, &chip);
	}
	memset(&ps, 0xff, sizeof(ps));
	EXPECT_OK(ioctl(v->vmm->fd, KVM_SET_PIT2, &ps));
	EXPECT_OK(ioctl(v->vmm->fd, KVM_GET_PIT2, &ps));
	for (gsi = 0; gsi < 30; gsi++) {
		set_line(v->vmm, gsi, 1);
		set_line(v->vmm, gsi, 0);
	}
	EXPECT_EQ(next_port(v), PORT_READY);
}

/* ---- routes ---- */

TEST(routing_limits)
{
	struct vmm *vmm = chip_vm(0);
	struct routes r = { .e = { msi_route(MAX_ROUTES - 1, VECTOR) } };

	EXPECT_OK(set_routes(vmm, &r, 1));
	EXPECT_OK(set_routes(vmm, &r, 0));
	r.e[0].gsi = MAX_ROUTES;
	EXPECT_ERR(set_routes(vmm, &r, 1), EINVAL);
	EXPECT_ERR(set_routes(vmm, &r, MAX_ROUTES + 1), EINVAL);
	EXPECT_ERR(set_routes(vmm, &r, ~0u), EINVAL);
	r.e[0].gsi = 0;
	r.head.flags = 1;
	EXPECT_ERR(set_routes(vmm, &r, 1), EINVAL);
	EXPECT_ERR(ioctl(vmm->fd, KVM_SET_GSI_ROUTING, BAD_POINTER), EFAULT);
}

TEST(routing_entries)
{
	struct vmm *vmm = chip_vm(0), *split = split_vm(24);
	struct routes r = { .e = { pin_route(3, KVM_IRQCHIP_PIC_MASTER, 8) } };

	EXPECT_ERR(set_routes(vmm, &r, 1), EINVAL);
	r.e[0] = pin_route(3, KVM_IRQCHIP_IOAPIC, 24);
	EXPECT_ERR(set_routes(vmm, &r, 1), EINVAL);
	r.e[0] = pin_route(3, 3, 0);
	EXPECT_ERR(set_routes(vmm, &r, 1), EINVAL);
	r.e[0] = pin_route(3, KVM_IRQCHIP_IOAPIC, 0);
	r.e[0].flags = 1;
	EXPECT_ERR(set_routes(vmm, &r, 1), EINVAL);
	r.e[0] = msi_route(3, VECTOR);
	r.e[0].flags = 2;
	EXPECT_ERR(set_routes(vmm, &r, 1), EINVAL);
	r.e[0].flags = 0;
	r.e[0].type = 99;
	EXPECT_ERR(set_routes(vmm, &r, 1), EINVAL);
	r.e[0] = pin_route(3, KVM_IRQCHIP_IOAPIC, 3);
	EXPECT_ERR(set_routes(split, &r, 1), EINVAL);
}

TEST(routing_of_one_gsi)
{
	struct vmm *vmm = chip_vm(0);
	struct routes r = { .e = { pin_route(3, KVM_IRQCHIP_PIC_MASTER, 3),
				   pin_route(3, KVM_IRQCHIP_IOAPIC, 3) } };

	EXPECT_OK(set_routes(vmm, &r, 2));
	r.e[1] = pin_route(3, KVM_IRQCHIP_PIC_MASTER, 4);
	EXPECT_ERR(set_routes(vmm, &r, 2), EINVAL);
	r.e[1] = msi_route(3, VECTOR);
	EXPECT_ERR(set_routes(vmm, &r, 2), EINVAL);
	r.e[0] = msi_route(3, VECTOR + 1);
	EXPECT_ERR(set_routes(vmm, &r, 2), EINVAL);
	r.e[0].gsi = 4;
	EXPECT_OK(set_routes(vmm, &r, 2));
	EXPECT_EQ(set_line(vmm, 5, 1), -1);
}

/* ---- interrupts ---- */

TEST(interrupt_by_the_pic)
{
	struct vmm_vcpu *v = START(chip_vm(4 * MB), pic_code, pic_handler);

	EXPECT_EQ(next_port(v), PORT_READY);
	EXPECT_EQ(set_line(v->vmm, 1, 1), 1);
	set_line(v->vmm, 1, 0);
	EXPECT_EQ(next_port(v), PORT_SERVICE);
	EXPECT_EQ(next_port(v), PORT_DONE);
}

TEST(interrupt_by_the_ioapic)
{
	struct vmm_vcpu *v = START(chip_vm(4 * MB), apic_code, apic_handler);

	EXPECT_EQ(next_port(v), PORT_READY);
	EXPECT_EQ(get_entry(v->vmm, PIN), VECTOR);
	EXPECT(set_line(v->vmm, PIN, 1) >= 1);
	set_line(v->vmm, PIN, 0);
	EXPECT_EQ(next_port(v), PORT_SERVICE);
	EXPECT_EQ(next_port(v), PORT_DONE);
}

TEST(interrupt_by_a_message)
{
	struct vmm_vcpu *v = START(chip_vm(4 * MB), msi_code, msi_handler);

	EXPECT_EQ(next_port(v), PORT_READY);
	EXPECT_EQ(signal_msi(v->vmm, MSI_BASE, VECTOR), 1);
	EXPECT(signal_msi(v->vmm, MSI_BASE, VECTOR) >= 0);	/* 0 without APICv: it waits */
	EXPECT_ERR(signal_msi(v->vmm, MSI_BASE | 7 << 12, VECTOR), EPERM);	/* nobody */
	EXPECT_EQ(next_port(v), PORT_SERVICE);
	EXPECT_EQ(next_port(v), PORT_DONE);
}

TEST(level_stays_until_it_falls)
{
	struct vmm_vcpu *v = START(chip_vm(4 * MB), level_code, level_handler);

	EXPECT_EQ(next_port(v), PORT_READY);
	set_line(v->vmm, PIN, 1);
	EXPECT(get_entry(v->vmm, PIN) & RED_REMOTE_IRR);
	EXPECT_EQ(next_port(v), PORT_SERVICE);
	EXPECT_EQ(next_port(v), PORT_SERVICE);	/* ended with the line up */
	set_line(v->vmm, PIN, 0);
	EXPECT_EQ(next_port(v), PORT_DONE);
	EXPECT(!(get_entry(v->vmm, PIN) & RED_REMOTE_IRR));
}

TEST(line_of_a_message_route)
{
	struct vmm *vmm = vmm_create(4 * MB);
	struct routes r = { .e = { msi_route(5, VECTOR) } };
	struct vmm_vcpu *v;

	EXPECT_OK(enable_cap(vmm, KVM_CAP_SPLIT_IRQCHIP, 24));
	v = START(vmm, msi_code, msi_handler);
	EXPECT_OK(set_routes(vmm, &r, 1));
	EXPECT_EQ(next_port(v), PORT_READY);
	EXPECT_EQ(set_line(vmm, 5, 1), 1);
	EXPECT_EQ(set_line(vmm, 5, 0), -1);
	EXPECT_EQ(next_port(v), PORT_SERVICE);
	EXPECT_EQ(next_port(v), PORT_DONE);
}

TEST(split_tells_the_end_of_a_level_interrupt)
{
	struct vmm *vmm = vmm_create(4 * MB);
	struct routes r = { .e = { msi_route(5, MSI_LEVEL | VECTOR) } };
	struct vmm_vcpu *v;

	EXPECT_OK(enable_cap(vmm, KVM_CAP_SPLIT_IRQCHIP, 24));
	v = START(vmm, msi_code, msi_handler);
	EXPECT_OK(set_routes(vmm, &r, 1));
	EXPECT_EQ(next_port(v), PORT_READY);
	EXPECT_EQ(set_line(vmm, 5, 1), 1);
	EXPECT_EQ(next_port(v), PORT_SERVICE);
	EXPECT_EQ(run(v), KVM_EXIT_IOAPIC_EOI);
	EXPECT_EQ(v->run->eoi.vector, VECTOR);
	EXPECT_EQ(next_port(v), PORT_DONE);
}

TEST(split_interrupt_window_follows_lint0)
{
	struct vmm *vmm = vmm_create(4 * MB);
	struct vmm_vcpu *v;

	EXPECT_OK(enable_cap(vmm, KVM_CAP_SPLIT_IRQCHIP, 24));
	v = START(vmm, lint0_code, lint0_code);
	v->run->request_interrupt_window = 1;
	EXPECT_EQ(run(v), KVM_EXIT_IRQ_WINDOW_OPEN);
	v->run->request_interrupt_window = 0;
	EXPECT_EQ(next_port(v), PORT_READY);
	EXPECT_EQ(next_port(v), PORT_DONE);
	EXPECT_EQ(v->run->ready_for_interrupt_injection, 0);
	v->run->request_interrupt_window = 1;
	EXPECT_EQ(next_port(v), PORT_SERVICE);	/* the guest gets on */
}

/* ---- irqfds ---- */

TEST(irqfd_arguments)
{
	struct vmm *vmm = chip_vm(0), *split = split_vm(24);
	int fd = eventfd(0, 0), other = eventfd(0, 0), resample = eventfd(0, 0);

	EXPECT_ERR(irqfd(vmm, fd, 1, 4, -1), EINVAL);
	EXPECT_ERR(irqfd(vmm, -1, 1, 0, -1), EBADF);
	EXPECT_ERR(irqfd(vmm, vmm->fd, 1, 0, -1), EINVAL);
	EXPECT_ERR(irqfd(vmm, fd, 1, KVM_IRQFD_FLAG_RESAMPLE, -1), EBADF);
	EXPECT_ERR(irqfd(split, fd, 1, KVM_IRQFD_FLAG_RESAMPLE, resample), EINVAL);
	EXPECT_OK(irqfd(vmm, fd, 1, 0, -1));
	EXPECT_ERR(irqfd(vmm, fd, 2, 0, -1), EBUSY);
	EXPECT_ERR(irqfd(vmm, fd, 2, KVM_IRQFD_FLAG_RESAMPLE, resample), EBUSY);
	EXPECT_OK(irqfd(vmm, other, 2, KVM_IRQFD_FLAG_RESAMPLE, resample));
	EXPECT_OK(irqfd(vmm, fd, 9, KVM_IRQFD_FLAG_DEASSIGN, -1));	/* another GSI: nothing */
	EXPECT_ERR(irqfd(vmm, fd, 1, 0, -1), EBUSY);
	EXPECT_OK(irqfd(vmm, fd, 1, KVM_IRQFD_FLAG_DEASSIGN, -1));
	EXPECT_OK(irqfd(vmm, fd, 1, 0, -1));
	EXPECT_ERR(irqfd(vmm, -1, 1, KVM_IRQFD_FLAG_DEASSIGN, -1), EBADF);
	EXPECT_ERR(ioctl(vmm->fd, KVM_IRQFD, BAD_POINTER), EFAULT);
	EXPECT_OK(close(other));		/* with its resampler */
	vmm_destroy(vmm);
	kick(fd);				/* nobody listens any more */
}

TEST(irqfd_interrupts)
{
	struct vmm_vcpu *v = START(chip_vm(4 * MB), apic_code, apic_handler);
	int fd = eventfd(0, 0);

	EXPECT_OK(irqfd(v->vmm, fd, PIN, 0, -1));
	EXPECT_EQ(next_port(v), PORT_READY);
	kick(fd);
	EXPECT(!readable(fd));
	EXPECT_EQ(next_port(v), PORT_SERVICE);
	EXPECT_EQ(next_port(v), PORT_DONE);
	EXPECT_OK(irqfd(v->vmm, fd, PIN, KVM_IRQFD_FLAG_DEASSIGN, -1));
	kick(fd);
	EXPECT(readable(fd));
}

TEST(irqfd_that_was_signalled_before)
{
	struct vmm_vcpu *v = START(chip_vm(4 * MB), apic_code, apic_handler);
	int fd = eventfd(1, 0);

	EXPECT_EQ(next_port(v), PORT_READY);
	EXPECT_OK(irqfd(v->vmm, fd, PIN, 0, -1));
	EXPECT_EQ(next_port(v), PORT_SERVICE);
}

TEST(irqfd_resamples)
{
	struct vmm_vcpu *v = START(chip_vm(4 * MB), level_code, level_handler);
	int fd = eventfd(0, 0), resample = eventfd(0, 0);

	EXPECT_OK(irqfd(v->vmm, fd, PIN, KVM_IRQFD_FLAG_RESAMPLE, resample));
	EXPECT_EQ(next_port(v), PORT_READY);
	kick(fd);
	EXPECT_EQ(next_port(v), PORT_SERVICE);
	EXPECT(!readable(resample));
	EXPECT(get_entry(v->vmm, PIN) & RED_REMOTE_IRR);
	EXPECT_EQ(next_port(v), PORT_DONE);	/* the EOI lowered the line */
	EXPECT(readable(resample));
	kick(fd);
	EXPECT_EQ(next_port(v), PORT_SERVICE);
}

/* ---- the PIT ---- */

TEST(pit_once)
{
	struct vmm *vmm = chip_vm(0);
	struct kvm_pit_config config = { .flags = 0 };

	EXPECT_ERR(ioctl(vmm->fd, KVM_CREATE_PIT2, BAD_POINTER), EFAULT);
	EXPECT_OK(ioctl(vmm->fd, KVM_CREATE_PIT2, &config));
	EXPECT_ERR(ioctl(vmm->fd, KVM_CREATE_PIT2, &config), EEXIST);
	EXPECT_ERR(ioctl(vmm->fd, KVM_CREATE_PIT, 0), EEXIST);
	vmm = chip_vm(0);
	EXPECT_OK(ioctl(vmm->fd, KVM_CREATE_PIT, 0));
}

TEST(pit_state)
{
	struct vmm *vmm = pit_vm(0);
	struct kvm_reinject_control control = { .pit_reinject = 0 };
	struct kvm_pit_state2 ps;
	struct kvm_pit_state old;

	memset(&ps, 0xff, sizeof(ps));
	EXPECT_OK(ioctl(vmm->fd, KVM_GET_PIT2, &ps));
	EXPECT_EQ(ps.flags, 0);
	EXPECT_EQ(ps.reserved[0], 0);
	EXPECT_EQ(ps.channels[0].count, 0x10000);
	EXPECT_EQ(ps.channels[0].gate, 1);
	EXPECT_EQ(ps.channels[2].gate, 0);
	ps.channels[2].count = 1234;
	ps.channels[2].mode = 3;
	ps.flags = KVM_PIT_FLAGS_HPET_LEGACY;
	EXPECT_OK(ioctl(vmm->fd, KVM_SET_PIT2, &ps));
	EXPECT_OK(ioctl(vmm->fd, KVM_GET_PIT, &old));
	EXPECT_EQ(old.channels[2].count, 1234);
	old.channels[2].count = 4321;
	EXPECT_OK(ioctl(vmm->fd, KVM_SET_PIT, &old));
	EXPECT_OK(ioctl(vmm->fd, KVM_GET_PIT2, &ps));
	EXPECT_EQ(ps.channels[2].count, 4321);
	EXPECT_EQ(ps.channels[2].mode, 3);
	EXPECT_EQ(ps.flags, KVM_PIT_FLAGS_HPET_LEGACY);
	EXPECT_OK(ioctl(vmm->fd, KVM_REINJECT_CONTROL, &control));
	EXPECT_ERR(ioctl(vmm->fd, KVM_REINJECT_CONTROL, BAD_POINTER), EFAULT);
	EXPECT_ERR(ioctl(vmm->fd, KVM_SET_PIT2, BAD_POINTER), EFAULT);
	EXPECT_ERR(ioctl(vmm->fd, KVM_GET_PIT2, BAD_POINTER), EFAULT);
}

TEST(pit_ticks)
{
	struct vmm_vcpu *v = START(pit_vm(4 * MB), pit_code, pit_handler);

	EXPECT_EQ(next_port(v), PORT_DONE);
}
