// The processor and the machine: features, floating-point control, cores, memory.
#ifndef CINCH_CTINYCC_PROCESSOR_H
#define CINCH_CTINYCC_PROCESSOR_H

#include <malloc.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <unistd.h>

struct cinch_cpuid_result {
  uint32_t eax, ebx, ecx, edx;
};

#if defined(__x86_64__)

// rbx may hold an address base of the caller, so it is kept by hand.
static inline struct cinch_cpuid_result cinch_cpuid(uint32_t leaf, uint32_t subleaf) {
  struct cinch_cpuid_result r;
  __asm__ volatile("xchgq %%rbx, %q1\n\tcpuid\n\txchgq %%rbx, %q1"
                   : "=a"(r.eax), "=&r"(r.ebx), "=c"(r.ecx), "=d"(r.edx)
                   : "0"(leaf), "2"(subleaf));
  return r;
}

// Which register files the operating system saves; only valid where CPUID reports OSXSAVE.
static inline uint64_t cinch_xgetbv(void) {
  uint32_t low, high;
  __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return ((uint64_t)high << 32) | low;
}

static inline uint32_t cinch_get_mxcsr(void) {
  uint32_t value;
  __asm__ volatile("stmxcsr %0" : "=m"(value) : : "memory");
  return value;
}

static inline void cinch_set_mxcsr(uint32_t value) {
  __asm__ volatile("ldmxcsr %0" : : "m"(value) : "memory");
}

static inline void cinch_pause(void) { __asm__ volatile("pause"); }

// The time stamp counter, which ticks at a constant rate.
static inline uint64_t cinch_ticks(void) { return __builtin_ia32_rdtsc(); }

#else

// Other architectures run portable C: no features to report, and IEEE arithmetic is their default state.
static inline struct cinch_cpuid_result cinch_cpuid(uint32_t leaf, uint32_t subleaf) {
  (void)leaf, (void)subleaf;
  return (struct cinch_cpuid_result){0, 0, 0, 0};
}
static inline uint64_t cinch_xgetbv(void) { return 0; }
static inline uint32_t cinch_get_mxcsr(void) { return 0x1F80; }
static inline void cinch_set_mxcsr(uint32_t value) { (void)value; }
static inline void cinch_pause(void) { __asm__ volatile("" : : : "memory"); }
static inline uint64_t cinch_ticks(void) { return 0; }

#endif

// The state a program starts with: round to nearest, exceptions masked, subnormal numbers kept.
static const uint32_t cinch_default_mxcsr = 0x1F80;

// How many processors this process may run on, 1 where the system does not tell.
static inline int cinch_available_cores(void) {
  unsigned long mask[128] = {0};  // 8,192 processors
  long bytes = syscall(SYS_sched_getaffinity, 0, sizeof mask, mask);
  int cores = 0;
  for (long i = 0; i < bytes / (long)sizeof mask[0]; i++) cores += __builtin_popcountl(mask[i]);
  return cores > 0 ? cores : 1;
}

// Bytes of memory and swap space in the machine, INT64_MAX where the system does not tell.
static inline int64_t cinch_installed_bytes(void) {
  struct sysinfo info;
  int64_t bytes;
  if (sysinfo(&info) != 0) return INT64_MAX;
  if (__builtin_mul_overflow(info.totalram + info.totalswap, info.mem_unit, &bytes)) return INT64_MAX;
  return bytes;
}

// Gives back to the system what the allocator has kept of memory that nothing uses any more.
static inline void cinch_release_free_memory(void) {
#if defined(__GLIBC__)
  malloc_trim(0);
#endif
}

// A file that lives in memory and goes away with its last descriptor; -1 with errno where that fails.
static inline int cinch_memory_file(const char *name) {
  return (int)syscall(SYS_memfd_create, name, 1u);  // close on exec
}

#endif
