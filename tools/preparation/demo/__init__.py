"""An invented catalogue in the files of the task: listings, photographs and labelled pairs."""
