// SPDX-License-Identifier: GPL-2.0-only
/*
 * KVM_GET_STATS_FD: the file describes itself.
 */
#include <glob.h>
#include <sys/mman.h>

#include "api.h"

#define MAX_STATS	512

struct stats {
	struct kvm_stats_header head;
	u32 nr;
	char id[64];
	struct {
		char name[64];
		u32 flags;
		u64 value;
	} s[MAX_STATS];
};

static void get(int fd, void *buf, size_t size, off_t at)
{
	EXPECT_EQ(pread(fd, buf, size, at), size);
}

static void read_stats(int fd, struct stats *s)
{
	size_t size;
	char desc[sizeof(struct kvm_stats_desc) + 64];
	struct kvm_stats_desc *d = (void *)desc;
	u32 i;

	get(fd, &s->head, sizeof(s->head), 0);
	EXPECT(s->head.name_size > 0 && s->head.name_size <= sizeof(s->s[0].name));
	EXPECT(s->head.num_desc > 0 && s->head.num_desc <= MAX_STATS);
	EXPECT(s->head.id_offset >= sizeof(s->head));
	EXPECT(s->head.desc_offset >= s->head.id_offset + s->head.name_size);
	size = offsetof(struct kvm_stats_desc, name) + s->head.name_size;
	EXPECT(s->head.data_offset >= s->head.desc_offset + s->head.num_desc * size);
	get(fd, s->id, s->head.name_size, s->head.id_offset);
	EXPECT(!strncmp(s->id, "kvm-", 4));

	for (i = 0; i < s->head.num_desc; i++) {
		get(fd, desc, size, s->head.desc_offset + i * size);
		EXPECT(strnlen(d->name, s->head.name_size) < s->head.name_size);
		EXPECT(d->size >= 1);
		EXPECT((d->flags & KVM_STATS_TYPE_MASK) <= KVM_STATS_TYPE_MAX);
		EXPECT((d->flags & KVM_STATS_UNIT_MASK) <= KVM_STATS_UNIT_MAX);
		snprintf(s->s[i].name, sizeof(s->s[i].name), "%s", d->name);
		s->s[i].flags = d->flags;
		get(fd, &s->s[i].value, sizeof(u64), s->head.data_offset + d->offset);
	}
	s->nr = s->head.num_desc;
}

static u64 value(const struct stats *s, const char *name)
{
	u32 i;

	for (i = 0; i < s->nr; i++) {
		if (!strcmp(s->s[i].name, name))
			return s->s[i].value;
	}
	printf("# no counter %s\n", name);
	tap_leave(TAP_FAIL);
}

TEST(stats_describe_themselves)
{
	static struct stats s;
	struct vmm_vcpu *v = idle_vcpu();
	int vm = ioctl(v->vmm->fd, KVM_GET_STATS_FD, 0), vcpu = ioctl(v->fd, KVM_GET_STATS_FD, 0);

	NEEDS(KVM_CAP_BINARY_STATS_FD);
	EXPECT_OK(vm);
	EXPECT_OK(vcpu);
	read_stats(vm, &s);
	read_stats(vcpu, &s);
	EXPECT(value(&s, "exits") < 1000000);
}

TEST(stats_count)
{
	static struct stats before, after;
	struct vmm_vcpu *v = idle_vcpu();
	int fd = ioctl(v->fd, KVM_GET_STATS_FD, 0);

	read_stats(fd, &before);
	EXPECT_EQ(run(v), KVM_EXIT_HLT);
	EXPECT_EQ(run(v), KVM_EXIT_HLT);
	read_stats(fd, &after);
	EXPECT(value(&after, "exits") >= value(&before, "exits") + 2);
}

TEST(vm_stats_are_sums)
{
	static struct stats s;
	struct vmm_vcpu *v = idle_vcpu();
	int fd = ioctl(v->vmm->fd, KVM_GET_STATS_FD, 0);

	ONLY_NVMX();
	vmm_add_vcpu(v->vmm);
	EXPECT_EQ(run(v), KVM_EXIT_HLT);
	read_stats(fd, &s);
	EXPECT_EQ(value(&s, "vcpus"), 2);
	EXPECT_EQ(value(&s, "hlt_exits"), 1);
}

PAYLOAD(pause_code, "mov $100000, %ecx\n1: pause; loop 1b; hlt\n");

static u32 pause_gap(void)
{
	FILE *f = fopen("/sys/module/nvmx/parameters/ple_gap", "r");
	u32 ticks = 0;

	EXPECT(f);
	EXPECT_EQ(fscanf(f, "%u", &ticks), 1);
	fclose(f);
	return ticks;
}

/* A vCPU that spins may wait for another one: it lets go of the CPU. */
TEST(loop_of_pauses_exits)
{
	static struct stats s;
	struct vmm_vcpu *v = BOOT(pause_code);
	int fd = ioctl(v->fd, KVM_GET_STATS_FD, 0);

	ONLY_NVMX();
	if (!pause_gap())
		SKIP("the CPU has no PAUSE-loop exiting");
	EXPECT_EQ(run(v), KVM_EXIT_HLT);
	read_stats(fd, &s);
	EXPECT(value(&s, "pause_exits") > 0);
}

TEST(vm_stats_count_pages)
{
	static struct stats s;
	struct vmm_vcpu *v = idle_vcpu();
	int fd = ioctl(v->vmm->fd, KVM_GET_STATS_FD, 0);

	ONLY_NVMX();
	read_stats(fd, &s);
	EXPECT_EQ(value(&s, "pages_4k") + value(&s, "pages_2m"), 0);
	EXPECT_EQ(run(v), KVM_EXIT_HLT);
	read_stats(fd, &s);
	EXPECT(value(&s, "pages_4k") + value(&s, "pages_2m") > 0);
	EXPECT_EQ(value(&s, "pages_1g"), 0);
	vmm_set_slot(v->vmm, 0, 0, 0, 0, NULL);
	read_stats(fd, &s);
	EXPECT_EQ(value(&s, "pages_4k") + value(&s, "pages_2m"), 0);
}

TEST(stats_outlive_the_vm_files)
{
	static struct stats s;
	struct vmm_vcpu *v = idle_vcpu();
	int fd = ioctl(v->fd, KVM_GET_STATS_FD, 0);

	ONLY_NVMX();		/* KVM before 6.5 frees them */
	close(v->fd);
	close(v->vmm->fd);
	read_stats(fd, &s);
}

TEST(debugfs_shows_the_counters)
{
	struct vmm_vcpu *v = idle_vcpu();
	char pattern[100], line[32] = "";
	glob_t found;
	FILE *f;

	ONLY_NVMX();
	if (access("/sys/kernel/debug/nvmx", R_OK))
		SKIP("no debugfs");
	EXPECT_EQ(run(v), KVM_EXIT_HLT);
	snprintf(pattern, sizeof(pattern), "/sys/kernel/debug/nvmx/%d-*/vcpu0/hlt_exits", getpid());
	EXPECT_EQ(glob(pattern, 0, NULL, &found), 0);
	EXPECT_EQ(found.gl_pathc, 1);
	f = fopen(found.gl_pathv[0], "r");
	EXPECT(f && fgets(line, sizeof(line), f));
	EXPECT(!strcmp(line, "1\n"));
	close(v->fd);
	close(v->vmm->fd);
	munmap(v->run, v->run_size);
	fclose(f);
	EXPECT(glob(pattern, 0, NULL, &found) == GLOB_NOMATCH);
}
