# Work shared between studies. Snakemake does not cache a rule that has a benchmark: one that is cached goes without.
for cached_rule in workflow.rules:
    if cached_rule.cache.output:
        cached_rule._benchmark = None
