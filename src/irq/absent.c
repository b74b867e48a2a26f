// SPDX-License-Identifier: GPL-2.0-only
/*
 * Stands in while the room is being built: no VM has a controller in the kernel.
 */
#include <linux/compiler.h>
#include <linux/errno.h>
#include <nvmx/irq.h>
#include "irq_int.h"

int __weak irq_vm_create(struct nvmx_vm *vm) { return 0; }
void __weak irq_vm_stop(struct nvmx_vm *vm) { }
void __weak irq_vm_destroy(struct nvmx_vm *vm) { }
int __weak irq_vcpu_create(struct nvmx_vcpu *v) { return 0; }
void __weak irq_vcpu_destroy(struct nvmx_vcpu *v) { }
void __weak irq_vcpu_reset(struct nvmx_vcpu *v, bool init) { }
bool __weak irq_waits(struct nvmx_vcpu *v) { return false; }
int __weak irq_ack(struct nvmx_vcpu *v) { return -1; }
bool __weak irq_accepts_extint(struct nvmx_vcpu *v) { return true; }
u8 __weak irq_tpr(struct nvmx_vcpu *v) { return 0; }
void __weak irq_set_tpr(struct nvmx_vcpu *v, u8 tpr) { }
int __weak irq_read_x2apic(struct nvmx_vcpu *v, u32 msr, u64 *val) { return -EINVAL; }
int __weak irq_write_x2apic(struct nvmx_vcpu *v, u32 msr, u64 val) { return -EINVAL; }
bool __weak irq_apic_base_valid(const struct nvmx_vcpu *v, u64 old, u64 val) { return true; }
void __weak irq_apic_base_changed(struct nvmx_vcpu *v, u64 old) { }
u64 __weak irq_tsc_deadline(struct nvmx_vcpu *v) { return 0; }
void __weak irq_set_tsc_deadline(struct nvmx_vcpu *v, u64 deadline) { }
void __weak irq_tsc_changed(struct nvmx_vcpu *v) { }
bool __weak irq_mmio_read(struct nvmx_vcpu *v, u64 gpa, u32 len, void *data) { return false; }
bool __weak irq_mmio_write(struct nvmx_vcpu *v, u64 gpa, u32 len, const void *data) { return false; }
bool __weak irq_pio_read(struct nvmx_vcpu *v, u16 port, u32 len, void *data) { return false; }
bool __weak irq_pio_write(struct nvmx_vcpu *v, u16 port, u32 len, const void *data) { return false; }
bool __weak irq_take_eoi_exit(struct nvmx_vcpu *v, u8 *vector) { return false; }
int __weak irq_send(struct nvmx_vm *vm, struct nvmx_vcpu *src, const struct irq_msg *msg) { return -1; }
void __weak irq_inject_vector(struct nvmx_vcpu *v, u8 vector) { }
bool __weak pic_output(const struct nvmx_vm *vm) { return false; }
int __weak pic_ack(struct nvmx_vm *vm) { return -1; }
void __weak ioapic_eoi(struct nvmx_vm *vm, u8 vector) { }
void __weak ioapic_eoi_edge(struct nvmx_vm *vm, u8 vector) { }
bool __weak route_wants_eoi(struct nvmx_vcpu *v, u8 vector) { return false; }
