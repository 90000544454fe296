"""The algebra put together: configs, hierarchical network, language model, presets, counts."""
