"""Pure drift statistics: arrays in, frozen results out. No I/O, no clock, no logging, no pandas."""
