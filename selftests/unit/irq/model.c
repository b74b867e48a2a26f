// SPDX-License-Identifier: GPL-2.0-only
/*
 * The machine around the local APICs.  One tick of the TSC is a nanosecond.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <linux/bitops.h>
#include <linux/slab.h>
#include <nvmx/mmu.h>
#include <nvmx/vmx.h>

#include "model.h"

struct nvmx_vm vm;
struct nvmx_vcpu cpu[NR_APICS];
struct posted got[NR_APICS];
static struct irq_vm irq;
bool has_x2apic, has_tsc_deadline;
bool pic_high;
u8 auto_eoi_vector, ioapic_vector;
int synic_eois;
int ioapic_eois, ioapic_edge_eois, last_eoi;
bool user_wants_eoi;
u32 vapic_word;
u64 timer_fired;
s64 model_now;
u64 model_tsc;

/* ---- what the room asks of others ---- */

/* As the kernel: what is a power of two is aligned to its size. */
void *kzalloc(size_t size, gfp_t flags)
{
	size_t room = (size + 63) & ~(size_t)63;

	return memset(aligned_alloc(64, room), 0, room);
}

void kfree(const void *p)
{
	free((void *)p);
}

unsigned long get_zeroed_page(gfp_t flags)
{
	void *page = aligned_alloc(PAGE_SIZE, PAGE_SIZE);

	return (unsigned long)memset(page, 0, PAGE_SIZE);
}

void free_page(unsigned long addr)
{
	free((void *)addr);
}

u64 vmx_l1_tsc(struct nvmx_vcpu *v, u64 host_tsc)
{
	return host_tsc + v->tsc_offset;
}

bool vmx_watch_timers;

u64 vmx_host_ticks(const struct nvmx_vcpu *v, u64 ticks)
{
	return ticks;
}

const struct kvm_cpuid_entry2 *vmx_find_cpuid(const struct nvmx_vcpu *v, u32 fn, u32 idx)
{
	static struct kvm_cpuid_entry2 e;

	e.ecx = has_x2apic << 21 | has_tsc_deadline << 24;
	return fn == 1 ? &e : NULL;
}

void vmx_post_irq(struct nvmx_vcpu *v)
{
	v->irq_hint = true;
	got[v->idx].irqs++;
}

void vmx_post_posted(struct nvmx_vcpu *v)
{
	got[v->idx].posted++;
}

void vmx_post_nmi(struct nvmx_vcpu *v)
{
	got[v->idx].nmis++;
}

void vmx_post_smi(struct nvmx_vcpu *v)
{
	got[v->idx].smis++;
}

void vmx_post_init(struct nvmx_vcpu *v)
{
	got[v->idx].inits++;
}

void vmx_post_sipi(struct nvmx_vcpu *v, u8 vector)
{
	got[v->idx].sipis++;
	got[v->idx].sipi_vector = vector;
}

bool pic_output(const struct nvmx_vm *vm)
{
	return pic_high;
}

int pic_ack(struct nvmx_vm *vm)
{
	pic_high = false;
	return 0x20;
}

void ioapic_eoi(struct nvmx_vm *vm, u8 vector)
{
	ioapic_eois++;
	last_eoi = vector;
}

void ioapic_eoi_edge(struct nvmx_vm *vm, u8 vector)
{
	ioapic_edge_eois++;
	last_eoi = vector;
}

bool ioapic_uses(struct nvmx_vm *vm, u8 vector)
{
	return vector == ioapic_vector;
}

void ioapic_eoi_exits(struct nvmx_vm *vm, unsigned long *vectors)
{
	__set_bit(0x42, vectors);
}

void route_eoi_exits(struct nvmx_vm *vm, unsigned long *vectors)
{
	__set_bit(0xee, vectors);
}

void hv_eoi_exits(const struct nvmx_vcpu *v, unsigned long *vectors)
{
	__set_bit(0x99, vectors);
}

bool hv_auto_eoi(const struct nvmx_vcpu *v, u8 vector)
{
	return vector == auto_eoi_vector;
}

void hv_eoi(struct nvmx_vcpu *v, u8 vector)
{
	synic_eois++;
}

bool route_wants_eoi(struct nvmx_vcpu *v, u8 vector)
{
	return user_wants_eoi;
}

int mmu_read(struct nvmx_vm *vm, u64 gpa, void *buf, u32 len)
{
	if (gpa != VAPIC_GPA || len > sizeof(vapic_word))
		return -EFAULT;
	memcpy(buf, &vapic_word, len);
	return 0;
}

int mmu_write(struct nvmx_vm *vm, u64 gpa, const void *buf, u32 len)
{
	if (gpa != VAPIC_GPA || len > sizeof(vapic_word))
		return -EFAULT;
	memcpy(&vapic_word, buf, len);
	return 0;
}

/* ---- life ---- */

void world_exit(void)
{
	u32 i;

	for (i = 0; i < NR_APICS; i++)
		irq_vcpu_destroy(&cpu[i]);
}

static void make(u32 i)
{
	struct nvmx_vcpu *v = &cpu[i];

	v->vm = &vm;
	v->id = i;
	v->idx = i;
	v->tsc_khz = 1000000;
	v->apic_base = APIC_PAGE | XAPIC_ENABLE;
	irq_vcpu_create(v);
	vm.vcpus[i] = v;
	if (v->lapic)
		wr(i, APIC_SPIV, APIC_SPIV_APIC_ENABLED | 0xff);
	v->irq_hint = false;
}

void world(enum irq_mode mode)
{
	u32 i;

	world_exit();
	memset(&vm, 0, sizeof(vm));
	memset(&irq, 0, sizeof(irq));
	memset(cpu, 0, sizeof(cpu));
	vm.irq_mode = mode;
	vm.irq = &irq;
	has_x2apic = true;
	has_tsc_deadline = true;
	pic_high = false;
	user_wants_eoi = false;
	ioapic_eois = 0;
	ioapic_edge_eois = 0;
	for (i = 0; i < NR_APICS; i++)
		make(i);
	memset(got, 0, sizeof(got));
}

static void to_x2apic(u32 i)
{
	u64 old = cpu[i].apic_base;

	cpu[i].apic_base |= X2APIC_ENABLE;
	irq_apic_base_changed(&cpu[i], old);
}

void x2apic_all(void)
{
	u32 i;

	for (i = 0; i < NR_APICS; i++)
		to_x2apic(i);
}

void renumber(u32 i, u32 id)
{
	cpu[i].id = id;
	irq_vcpu_reset(&cpu[i], false);
	wr(i, APIC_SPIV, APIC_SPIV_APIC_ENABLED | 0xff);
}

/* ---- time ---- */

bool timer_armed(u32 i)
{
	return cpu[i].lapic->timer.hr.armed;
}

static struct hrtimer *due_until(s64 end)
{
	struct hrtimer *first = NULL;
	u32 i;

	for (i = 0; i < NR_APICS; i++) {
		struct hrtimer *t = &cpu[i].lapic->timer.hr;

		if (t->armed && t->expires <= end && (!first || t->expires < first->expires))
			first = t;
	}
	return first;
}

void pass(u64 ns)
{
	s64 end = model_now + ns;
	struct hrtimer *t;
	s64 step;

	while ((t = due_until(end))) {
		step = t->expires > model_now ? t->expires - model_now : 0;
		model_now += step;
		model_tsc += step;
		t->armed = false;
		timer_fired++;
		t->armed = t->function(t) == HRTIMER_RESTART;
	}
	model_tsc += end - model_now;
	model_now = end;
}

/* ---- registers ---- */

u32 rd(u32 i, u32 reg)
{
	u32 val = 0;

	lapic_mmio_read(&cpu[i], APIC_PAGE + reg, sizeof(val), &val);
	return val;
}

void wr(u32 i, u32 reg, u32 val)
{
	lapic_mmio_write(&cpu[i], APIC_PAGE + reg, sizeof(val), &val);
}

void send(u32 i, u32 dest, u32 low)
{
	wr(i, APIC_ICR2, dest << 24);
	wr(i, APIC_ICR, low);
}

static bool in_bank(u32 i, u32 bank, u8 vector)
{
	return lapic_get(cpu[i].lapic, bank + (vector >> 5) * 0x10) >> (vector & 31) & 1;
}

bool in_irr(u32 i, u8 vector)
{
	return in_bank(i, APIC_IRR, vector);
}

bool in_isr(u32 i, u8 vector)
{
	return in_bank(i, APIC_ISR, vector);
}

bool in_tmr(u32 i, u8 vector)
{
	return in_bank(i, APIC_TMR, vector);
}

u32 who_has(u8 vector)
{
	u32 i, set = 0;

	for (i = 0; i < NR_APICS; i++)
		set |= (u32)in_irr(i, vector) << i;
	return set;
}

int x2_write(u32 i, u32 reg, u64 val)
{
	return irq_write_x2apic(&cpu[i], APIC_BASE_MSR + (reg >> 4), val);
}

int x2_read(u32 i, u32 reg, u64 *val)
{
	return irq_read_x2apic(&cpu[i], APIC_BASE_MSR + (reg >> 4), val);
}
