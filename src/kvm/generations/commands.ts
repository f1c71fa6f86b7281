import type { IoctlRule, SubCommand } from "./generation.ts";

/** kvm-teardown A.1: numbers that every kernel has. */
const SINCE_V16: readonly SubCommand[] = [
  { id: 0, name: "KVM_TDX_CAPABILITIES", scope: "VM" },
  { id: 1, name: "KVM_TDX_INIT_VM", scope: "VM" },
  { id: 2, name: "KVM_TDX_INIT_VCPU", scope: "vCPU" },
  { id: 3, name: "KVM_TDX_INIT_MEM_REGION", scope: "VM" },
  { id: 4, name: "KVM_TDX_FINALIZE_VM", scope: "VM" },
];

/** Number 5 is the hint in v16 to v18. */
export const COMMANDS_V16: readonly SubCommand[] = [
  ...SINCE_V16,
  { id: 5, name: "KVM_TDX_RELEASE_VM", scope: "VM" },
];

export const COMMANDS_V19 = SINCE_V16;

/** Number 5 means something else upstream, and INIT_MEM_REGION moved to the vCPU. */
export const COMMANDS_6_16: readonly SubCommand[] = [
  ...SINCE_V16.map((command): SubCommand => {
    return command.id === 3 ? { ...command, scope: "vCPU" } : command;
  }),
  { id: 5, name: "KVM_TDX_GET_CPUID", scope: "vCPU" },
];

export const COMMANDS_TERMINATE: readonly SubCommand[] = [
  ...COMMANDS_6_16,
  { id: 6, name: "KVM_TDX_TERMINATE_VM", scope: "VM" },
];

function rules(ioctl: string, ...cases: readonly Omit<IoctlRule, "ioctl">[]): IoctlRule[] {
  return cases.map((each) => ({ ioctl, ...each }));
}

const DEV = "kvm-teardown A.2; DEV";

/** kvm-teardown A.1: what every sub-command answers before it looks at its own arguments. */
const FRAME_RULES = rules(
  "KVM_MEMORY_ENCRYPT_OP",
  {
    when: "the id is unknown, or it belongs to the other file descriptor",
    errno: "EINVAL",
    source: "kvm-teardown A.1",
  },
  {
    when: "kvm_tdx_cmd.error (hw_error in v6.16) is not 0",
    errno: "EINVAL",
    source: "kvm-teardown A.1; DEV, K616",
  },
  { when: "the command cannot be copied", errno: "EFAULT", source: "kvm-teardown A.1" },
);

const CAPABILITIES_RULES = rules(
  "KVM_TDX_CAPABILITIES",
  { when: "flags is not 0", errno: "EINVAL", source: DEV },
  { when: "there is room for too few CPUID entries", errno: "E2BIG", source: DEV },
);

const INIT_VM_RULES = rules(
  "KVM_TDX_INIT_VM",
  {
    when: "the HKID is assigned already; flags or padding is not 0",
    errno: "EINVAL",
    source: "kvm-teardown A.2; V16-020, V16-021",
  },
  { when: "a vCPU was created already", errno: "EBUSY", source: "kvm-teardown A.2; V16-021" },
  {
    when: "no HKID is left: the id allocator's error",
    errno: "ENOSPC",
    source: "kvm-teardown A.2",
    mark: "INFERRED",
  },
  {
    when: "ATTRIBUTES.PERFMON or LBR in XFAM",
    errno: "EOPNOTSUPP",
    source: "kvm-teardown A.2; V16-021",
  },
  {
    when: "MNG.INIT finds an operand invalid (the raw code goes to `error`)",
    errno: "EINVAL",
    source: "kvm-teardown A.2; V16-021",
  },
  {
    when: "another SEAMCALL fails, or a package has no online CPU",
    errno: "EIO",
    source: "kvm-teardown A.2; V16-020",
  },
);

const INIT_VCPU_RULES = rules(
  "KVM_TDX_INIT_VCPU",
  {
    when: "initialised already, no HKID, or finalized",
    errno: "EINVAL",
    source: "kvm-teardown A.2; V19-044",
  },
  {
    when: "a SEAMCALL fails; the VM is bugged",
    errno: "EIO",
    source: "kvm-teardown A.2; V19-044",
  },
);

const INIT_MEM_REGION_RULES = rules(
  "KVM_TDX_INIT_MEM_REGION",
  {
    when: "finalized, no vCPU, bad flags, misaligned, empty or shared range",
    errno: "EINVAL",
    source: "kvm-teardown A.2; V17-059",
  },
  { when: "the source is not pinned", errno: "ENOMEM", source: "kvm-teardown A.2; V17-059" },
  {
    when: "part of it was done; the struct is advanced",
    errno: "EAGAIN",
    source: "kvm-teardown A.2; V17-059",
  },
  {
    when: "PAGE.ADD fails; the VM is bugged",
    errno: "EIO",
    source: "kvm-teardown A.2; V17-059",
  },
);

const FINALIZE_RULES = rules(
  "KVM_TDX_FINALIZE_VM",
  { when: "no HKID, or finalized already", errno: "EINVAL", source: DEV },
  { when: "MR.FINALIZE fails (TDX_NO_VCPUS without a vCPU)", errno: "EIO", source: `${DEV}, TM15` },
);

const SHARED_RULES: readonly IoctlRule[] = [
  ...FRAME_RULES,
  ...CAPABILITIES_RULES,
  ...INIT_VM_RULES,
  ...rules("KVM_CREATE_VCPU", {
    when: "there is no in-kernel LAPIC; the TD itself is not looked at",
    errno: "EINVAL",
    source: DEV,
  }),
  ...INIT_VCPU_RULES,
  ...INIT_MEM_REGION_RULES,
  ...FINALIZE_RULES,
];

export const RULES_V19 = SHARED_RULES;

/** kvm-teardown C.4: RELEASE_VM itself cannot fail, but what follows it can. */
export const RULES_V16: readonly IoctlRule[] = [
  ...SHARED_RULES,
  ...rules(
    "after KVM_TDX_RELEASE_VM",
    {
      when: "FINALIZE_VM or INIT_VCPU: there is no HKID",
      errno: "EINVAL",
      source: "kvm-teardown C.4; DEV",
    },
    {
      when: "INIT_MEM_REGION: SEPT.ADD returns TDX_TD_KEYS_NOT_CONFIGURED, the VM is bugged",
      errno: "EIO",
      source: "kvm-teardown C.4; V17-059, TM15",
      mark: "INFERRED",
    },
    {
      when: "INIT_VM with vCPUs; without any it builds a second TD and leaks the first",
      errno: "EBUSY",
      source: "kvm-teardown C.4; V16-021",
      mark: "INFERRED",
    },
  ),
];

/** kvm-teardown A.2, last paragraph. */
const CHANGED_IN_6_16: readonly IoctlRule[] = [
  ...rules("KVM_CREATE_VCPU", {
    when: "the TD is not initialised",
    errno: "EIO",
    source: "kvm-teardown A.2; K616",
  }),
  ...rules("KVM_TDX_INIT_MEM_REGION", {
    when: "PAGE.ADD is busy",
    errno: "EBUSY",
    source: "kvm-teardown A.2; K616",
  }),
  ...rules(
    "KVM_TDX_FINALIZE_VM",
    { when: "a page is half added", errno: "EINVAL", source: "kvm-teardown A.2; K616" },
    { when: "MR.FINALIZE is busy", errno: "EBUSY", source: "kvm-teardown A.2; K616" },
  ),
  ...rules("KVM_RUN", {
    when: "the vCPU is not initialised or the TD not finalized",
    errno: "EINVAL",
    source: "kvm-teardown A.2; K616",
  }),
];

export const RULES_6_16: readonly IoctlRule[] = [
  ...SHARED_RULES.filter(({ ioctl }) => ioctl !== "KVM_CREATE_VCPU"),
  ...CHANGED_IN_6_16,
];

const TERMINATE_BUSY = rules("KVM_TDX_TERMINATE_VM", {
  when: "the mutex of any vCPU is held: it is in KVM_RUN",
  errno: "EBUSY",
  source: "kvm-teardown D.2; T-V4",
});

/** V4 and v5: the VM is dead afterwards. */
export const RULES_TERMINATE: readonly IoctlRule[] = [
  ...RULES_6_16,
  ...TERMINATE_BUSY,
  ...rules("after KVM_TDX_TERMINATE_VM", {
    when: "any VM, vCPU or device ioctl, a second TERMINATE_VM among them",
    errno: "EIO",
    source: "kvm-teardown D.2; T-V4",
  }),
];

/** The last posting refuses ioctls of a bugged VM only. */
export const RULES_TERMINATE_5OF5: readonly IoctlRule[] = [
  ...RULES_6_16,
  ...TERMINATE_BUSY,
  ...rules("after KVM_TDX_TERMINATE_VM", {
    when: "an ioctl of a VM that is bugged; a second TERMINATE_VM returns 0 and does nothing",
    errno: "EIO",
    source: "kvm-teardown D.2; T-5/5",
  }),
];
