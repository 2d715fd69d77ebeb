# axonzoo_add_variants
