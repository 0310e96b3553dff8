variable "public_image_ids" {
  type    = set(string)
  default = ["img-ubuntu2204", "img-gpu"]
}

# For public images that all have a constraint: the plan fails for a misspelt ID.
data "jdcloud_image_constraints" "public" {
  ids        = var.public_image_ids
  on_missing = "error"
}
