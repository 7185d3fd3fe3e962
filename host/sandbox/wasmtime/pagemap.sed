# What is changed in wasmtime's pagemap.rs. ARCHITECTURE.md says why.

# After a run wasmtime copies back the parts of a memory that were written, but no more than 32 of them; it unmaps all that
# lies behind, and mapping that again costs a fault per page, for which the kernel interrupts every core that runs one of
# our threads. A trivial Python program writes to 123 parts.
s/MAX_REGIONS: usize = 32;/MAX_REGIONS: usize = 1024;/

# A written page that was swapped out is not present, and would keep what was written for the next run.
s/WRITTEN | Categories::PRESENT | Categories::PFNZERO | Categories::FILE,/WRITTEN | Categories::PFNZERO | Categories::FILE,/
s/^        \.return_mask(Categories::empty())$/        .category_anyof_mask(Categories::PRESENT | Categories::SWAPPED)\n&/
/^        #\[expect(dead_code, reason = "bindings for the future/d

# The walk is left out where it would find what the last one did (written.rs).
/^    \/\/ For now use a fixed set of regions/i\
    if let Some(bytes) = unsafe { super::written::reset(ptr, len.byte_count(), &mut reset_manually) } {\
        return bytes;\
    }\
    let faults = unsafe { super::written::Faults::before_walk(ptr, len.byte_count()) };
/^    let scan_size = /a\
    if let Some(faults) = faults && scan_size == len.byte_count() {\
        super::written::remember(ptr, len.byte_count(), faults, result.regions().iter().map(|region| region.region()));\
    }
