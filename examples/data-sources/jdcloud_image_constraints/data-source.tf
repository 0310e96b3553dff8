data "jdcloud_image_constraints" "web" {
  ids = ["img-ubuntu2204", "img-gpu"]
}

output "excluded" {
  value = data.jdcloud_image_constraints.web.excluded_instance_types["img-ubuntu2204"]
}
