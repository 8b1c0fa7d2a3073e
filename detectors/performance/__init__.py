"""How good a model is: measured where labels are known, estimated where they are not."""
