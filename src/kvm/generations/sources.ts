/** What the keys in `source` fields stand for (kvm-teardown 0). */
export const SOURCES: Readonly<Record<string, string>> = {
  S0: "mail [PATCH v16 113/116] KVM: TDX: Add hint TDX ioctl to release Secure-EPT, 16 Oct 2023",
  "V16-020": "mail [PATCH v16 020/116] KVM: TDX: create/destroy VM structure, 16 Oct 2023",
  "V16-021":
    "mail [PATCH v16 021/116] KVM: TDX: initialize VM with TDX specific parameters, 16 Oct 2023",
  "V16-071":
    "mail [PATCH v16 071/116] KVM: TDX: handle vcpu migration over logical processor, 16 Oct 2023",
  "V17-00": "cover letter of v17, 7 Nov 2023",
  "V17-059": "mail [PATCH v17 059/116] KVM: TDX: Create initial guest memory, 7 Nov 2023",
  "V17-071r": "replies to v17 071: Yuan Yao, 15 Nov 2023, and Isaku Yamahata, 17 Nov 2023",
  "V17-113": "RELEASE_VM in v17, 7 Nov 2023",
  "V18-118": "RELEASE_VM in v18, patch 118/121, 22 Jan 2024",
  "V19-044": "v19 of 26 Feb 2024, vCPU initialisation",
  "V19-062": "v19 of 26 Feb 2024, private mapping in the TDP MMU",
  "V19-068": "v19 of 26 Feb 2024, retries of a busy Secure EPT",
  "V19-070": "v19 of 26 Feb 2024, TDP MMU support for TDX",
  DEV: "a complete arch/x86/kvm/vmx/tdx.c of a development tree after v19, spring 2024",
  "LP5-06":
    "mail [RFC PATCH v5 06/16] KVM: TDX: Update tdx_sept_{set,drop}_private_spte() to support " +
    "large page, 16 Oct 2023",
  K616: "Linux 6.16.1, arch/x86/kvm/vmx/tdx.c and what it calls",
  ERR: "Linux, arch/x86/kvm/vmx/tdx_errno.h",
  "T-V4": "KVM_TDX_TERMINATE_VM, V4 of 11 Jun 2025",
  "T-V4r": "replies to V4: Hunter, Christopherson, Annapurve, 19 to 23 Jun 2025",
  "T-v5": "KVM_TDX_TERMINATE_VM, v5 of 18 Jul 2025",
  "T-5/5": "KVM_TDX_TERMINATE_VM, [PATCH 5/5] of 29 Jul 2025",
  "T-PR": "[GIT PULL] KVM: x86: VMX changes for 6.17 and Bonzini's answers, 28 and 30 Jul 2025",
  "T-0801": "replies to 5/5: Hunter, Christopherson, Chao Gao, 1 to 6 Aug 2025",
  PWMCE:
    "mail [PATCH V7 3/3] x86/tdx: Skip clearing reclaimed pages unless X86_BUG_TDX_PW_MCE is " +
    "present, 19 Aug 2025; tip commit 01fb93a363e0",
  HP3: "Yan Zhao's huge-page series v3, WBINVD patch, 6 Jan 2026",
  DP4: "Dynamic PAMT v4, free/put patch, 20 Nov 2025",
  RFC5: "[RFC PATCH v5 00/45] TDX: Dynamic PAMT + S-EPT Hugepage, 28 Jan 2026",
  TM15: "Intel's TDX module 1.5.01 as open source, 22 Feb 2024",
  TM20: "API definitions of a newer open-source TDX module",
};
